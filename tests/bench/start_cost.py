#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a worker costs that serves one message, from its start to its end: CPU time, and page faults,
which are most of what a start costs. Without Exim; messages that are signed, forwarded, or bare;
DNS is a server on loopback. The ordinary program and the statically linked one by turns.

    start_cost.py [--rounds 9] [--messages 60] [PROGRAM ...]

Prints TAP. Only counts are tested, with room for other kernels: faults a message, and how many words
the statically linked program relocates when it starts. Times are for people."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from memory_growth import CONFIG, Host, good, zone  # noqa: E402
from lab import BUILD  # noqa: E402

PROGRAMS = [os.path.join(BUILD, name) for name in ("moonscan", "moonscan-static")]
# The second has 70 more where the kernel gives no pages ahead (before Linux 5.14; engine/cmd/start.S).
FAULTS_MAX = {"moonscan": 480, "moonscan-static": 320}
RELOCATIONS_MAX = 17000


class OneMessageEach(Host):
    """Nothing else is in the decision log than what the program under test writes."""

    def write_messages(self):
        rows = []
        for name, host, message in good():
            with open(self.path("docs/" + name), "wb") as file:
                file.write(message)
            rows.append("%s\t127.0.9.%d\tout.d%d.example\tann@d%d.example\tjoe@t0.example\t%s\n"
                        % (name, host, host, host, name))
        self.write("docs/list.tsv", "".join(rows))

    def measure(self, program, messages):
        """Microseconds of CPU and page faults a message; the first ones fill the caches."""
        command = [os.path.join(BUILD, "tests/feed"), "--each", "--program", program, "--snapshot",
                   self.path("state/current"), "--log", self.decisions, "--tenants", "1",
                   self.path("docs"), "5", str(5 + messages)]
        feed = self.as_user(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.started.append(feed)
        out, _ = feed.communicate("\n\n")
        self.started.remove(feed)
        words = out.splitlines()[-1].split()
        if feed.returncode or int(words[4]):
            raise SystemExit("%s: %s messages were not evaluated" % (program, words[4]))
        return float(words[5]), float(words[6])


def relocations(program):
    done = subprocess.run(["readelf", "-rW", program], stdout=subprocess.PIPE, text=True, check=True)
    return sum(" R_" in line for line in done.stdout.splitlines())


def answers_for_libraries(program):
    """The ordinary program's definitions that come before a shared library's."""
    done = subprocess.run(["nm", "-D", "--defined-only", program], stdout=subprocess.PIPE, text=True,
                          check=True)
    return {"__res_init", "d2i_PUBKEY_bio"} <= {line.split()[-1] for line in done.stdout.splitlines()}


def measured(programs, rounds, messages):
    """{program: [(us, faults)]}"""
    rows = {program: [] for program in programs}
    with OneMessageEach(zones=zone(), tenants={"t0": ["t0.example"]}, config=CONFIG) as host:
        host.write_messages()
        staged = {program: shutil.copy(program, host.path("bin/worker%d" % number))
                  for number, program in enumerate(programs)}
        for _ in range(rounds):
            for program in programs:
                rows[program].append(host.measure(staged[program], messages))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--messages", type=int, default=60)
    parser.add_argument("programs", nargs="*", default=PROGRAMS, metavar="PROGRAM")
    options = parser.parse_args()
    checks = []
    for program, rows in measured(options.programs, options.rounds, options.messages).items():
        us, faults = zip(*rows)
        name = os.path.basename(program)
        print("# %-18s %4.0f us of CPU a message (%.0f to %.0f), %.1f page faults, %d relocations" % (
            name, statistics.median(us), min(us), max(us), statistics.median(faults),
            relocations(program)), flush=True)
        if name in FAULTS_MAX:
            checks.append((statistics.median(faults) <= FAULTS_MAX[name],
                           "%s: at most %d page faults a message" % (name, FAULTS_MAX[name])))
        if name == "moonscan":
            checks.append((answers_for_libraries(program),
                           "moonscan: libopendkim starts no resolver and decodes no keys"))
        if name == "moonscan-static":
            checks.append((relocations(program) <= RELOCATIONS_MAX,
                           "%s: at most %d relocations" % (name, RELOCATIONS_MAX)))
    print("1..%d" % len(checks))
    for number, (holds, text) in enumerate(checks, 1):
        print("%sok %d - %s" % ("" if holds else "not ", number, text))
    return 0 if all(holds for holds, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
