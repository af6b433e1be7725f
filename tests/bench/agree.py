#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""agree: Moonscan's results on the public harness's corpora, message by message, by the harness's own
comparison: SPF, the set of passing DKIM signatures, DMARC and ARC.

    agree.py [SEED ...]      (1 2 3 4 5)

For each seed a new corpus, then `bench.py agree` of the harness with the engine (`moonscan bench`) and
with the module in Exim, whose results are read out of the queued messages. Exit status: 0 when all four
columns have every message for every seed. Wants root and the harness, as bench.py does.

The harness starts an `exim4` of its own and gives it no environment, so the module goes by its defaults
(built-in policy, which takes every message of the corpora): in our namespaces an empty /run has the
program at the place that the module is compiled for, and what a machine with Moonscan has is hidden.
"""

import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from place import BUILD, TREE, Harness, be_root, call, enclosed  # noqa: E402

PREFIX = "/run/moonscan-agree"
MODULE = os.path.join(BUILD, "agree/moonscan.so")
PROGRAM = os.path.join(BUILD, "moonscan")
EXIM_UID = 64930  # of Debian-exim, which Debian's Exim knows by name; any number will do
NAMES = ("SPF", "DKIM", "DMARC", "ARC")


def make_module():
    """The module that looks for its program below PREFIX."""
    subprocess.run(["make", "-s", "-C", TREE, "module", "PREFIX=" + PREFIX,
                    "BUILD=" + os.path.relpath(os.path.dirname(MODULE), TREE)], check=True)


def add_user(folder, name, line):
    """Debian-exim, where this machine does not know it."""
    with open("/etc/" + name, encoding="utf-8") as file:
        text = file.read()
    if not re.search("^Debian-exim:", text, re.M):
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + line + "\n")
        call("mount", "--bind", path, "/etc/" + name)


def furnish(folder):
    add_user(folder, "passwd", "Debian-exim:x:%d:%d::/:/usr/sbin/nologin" % (EXIM_UID, EXIM_UID))
    add_user(folder, "group", "Debian-exim:x:%d:" % EXIM_UID)
    for place in ("/run", "/etc/moonscan", "/var/lib/moonscan", "/var/log/moonscan"):
        if os.path.isdir(place):
            call("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", place)
    os.makedirs(PREFIX + "/bin")
    shutil.copy(PROGRAM, PREFIX + "/bin/moonscan")
    shutil.copy(MODULE, PREFIX + "/moonscan.so")
    os.mkdir(os.path.join(folder, "bin"))
    shutil.copy(os.path.join(BUILD, "daemons/heavy/usr/sbin/exim4"), os.path.join(folder, "bin/exim4"))


def columns(text, peer):
    """{SPF: (agreeing, of), ...} of the harness's table."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == peer and len(cells) == 5:
            return {name: tuple(map(int, cell.split("/"))) if "/" in cell else (0, 0)
                    for name, cell in zip(NAMES, cells[1:])}
    return {}


def compare(harness, peer, folder):
    path = {"PATH": os.path.join(folder, "bin") + ":" + os.environ["PATH"]}
    words = ["--", PROGRAM, "bench"] if peer == "engine" else ["--local-scan", PREFIX + "/moonscan.so"]
    done = harness.run("agree", peer, *words, environment=path, stderr=subprocess.PIPE)
    found = columns(done.stdout, peer)
    with open(os.path.join(harness.corpus, "list.tsv"), encoding="utf-8") as file:
        count = len(file.readlines())
    good = done.returncode == 0 and all(found.get(name) == (count, count) for name in NAMES)
    print("seed %-3d %-11s %s" % (harness.seed, peer, "  ".join(
        "%s %d/%d" % (name, *found.get(name, (0, 0))) for name in NAMES)), flush=True)
    if not good:
        print("\n".join("    " + line for line in (done.stdout + done.stderr).splitlines()
                        if line and not line.startswith("|")), flush=True)
    return good


def main():
    if "--help" in sys.argv[1:] or not all(word.isdigit() for word in sys.argv[1:]):
        print(__doc__)
        return 0 if "--help" in sys.argv[1:] else 2
    be_root()
    harnesses = [Harness(int(word)) for word in sys.argv[1:] or "12345"]
    make_module()

    def work(folder):
        furnish(folder)
        good = [compare(harness, peer, folder) for harness in harnesses
                for peer in ("engine", "local_scan")]
        print("all agree" if all(good) else "NOT ALL AGREE")
        return 0 if all(good) else 1
    return enclosed(work)


if __name__ == "__main__":
    sys.exit(main())
