# SPDX-License-Identifier: MIT
"""engines: what the engine alone costs, without Exim, next to the floor that the cryptography sets and
to the plain sequential use of Debian's libraries (peers/libs.c of the harness; no ARC).

CPU only. `memory`, `libs_memory`: the answers are in memory, by a zone file and for libs.c by answers.c
in front of its resolver. `dns`, `libs`: every question goes to the harness's server without delay, and
nothing is cached.
"""

import json
import os
import subprocess

from place import BUILD, HERE

MOONSCAN = os.path.join(BUILD, "moonscan")
REPEAT = 5  # passes over the corpus


class EngineError(Exception):
    pass


def run(*words, preload=""):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          env=dict(os.environ, LD_PRELOAD=preload))
    if done.returncode:
        raise EngineError("%s: %s" % (words[0], done.stderr[-500:]))
    return [json.loads(line) for line in done.stdout.splitlines()]


def cpu_us(rows):
    """Of one message, of a run of an engine program."""
    return 1e6 * rows[-1]["summary"]["cpu_s"] / rows[-1]["summary"]["n"]


class Engines:
    def __init__(self, harness, series):
        self.harness, self.series = harness, series
        self.zone = os.path.join(harness.corpus, "example.zone")
        self.libs = None
        self.missing = None  # why there is no libs.c
        if harness.compile("libs", ["-pthread", "-I/usr/include/opendkim", "-I/usr/include/opendmarc",
                                    "-lopendkim", "-lopendmarc", "-lspf2", "-lresolv"], "peers/libs.c"):
            self.libs = [harness.program("libs"), "--psl", harness.suffixes()]
        else:
            self.missing = "libs.c does not compile (on Debian: apt-get install libopendmarc-dev)"
        self.answers = os.path.join(harness.work, "answers.so")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", self.answers,
                        os.path.join(HERE, "answers.c")], check=True)
        if not harness.compile("floor", ["-lcrypto"]):
            raise EngineError("floor.c of the harness does not compile")
        self.operations = os.path.join(harness.home, "ops.tsv")
        if not os.path.exists(self.operations):  # the harness knows what each message needs
            harness.run("floor", "--runs", "1")

    def floor_us(self):
        got = run(self.harness.program("floor"), "-r", str(REPEAT), self.operations)[0]
        return sum(got[part] for part in ("sha_shared", "canon", "keys_direct", "verify"))

    def measure(self):
        """One round: microseconds of CPU a message."""
        row = {"floor": self.floor_us()}
        repeat = ("--repeat", str(REPEAT), self.harness.corpus)
        row["memory"] = cpu_us(run(MOONSCAN, "bench", "--zone", self.zone, *repeat))
        row["dns"] = cpu_us(run(MOONSCAN, "bench", *repeat))
        if self.libs:
            row["libs"] = cpu_us(run(*self.libs, "--warm", *repeat))
            row["libs_memory"] = cpu_us(run(*self.libs, "--warm", *repeat, preload=self.answers))
        return row

    def measure_series(self, kind, number, passes):
        return cpu_us(run(MOONSCAN, "bench", "--zone", self.series.master, "--repeat", str(passes),
                          self.series.folder(kind, number)))

    def rounds(self):
        """How many messages wait for more dependent DNS answers than the harness computes."""
        chains = chain_lengths(self.harness)
        rows = run(MOONSCAN, "bench", "--zone", self.zone, self.harness.corpus)[:-1]
        longer = [row["id"] for row in rows if row["rounds"] > chains[row["id"]]]
        return {"messages": len(rows), "longer": longer,
                "questions": sum(row["questions"] for row in rows) / len(rows)}


def chain_lengths(harness):
    """Of each message by its id: the longest chain of DNS questions that depend on each other."""
    with open(os.path.join(harness.corpus, "manifest.json"), encoding="utf-8") as file:
        return {row["id"]: row["dns"]["depth"] for row in json.load(file)["messages"]}
