#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""plant: does fuzzing find bugs? Plants those of planted.txt one at a time in a copy of the tree,
runs the matching target from the shipped corpus, and prints a row each.

    plant.py [--build build] [--seconds 60] [--seed N] [TARGET ...]

The status is 1 when a bug was not found, or when a bug cannot be planted any more. The copy is
BUILD/fuzz-planted/tree; the tree itself is never touched.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import fuzz  # noqa: E402


def read_bugs(path):
    bugs = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            key, _, value = line.strip().partition(" ")
            if key == "target:":
                bugs.append({})
            if bugs and key and not key.startswith("#"):
                bugs[-1][key.rstrip(":")] = value.strip()
    return bugs


def copy_tree(place):
    """The files that git knows, as they are now; those that are the same keep their times."""
    names = subprocess.run(["git", "-C", fuzz.TREE, "ls-files", "-z"], check=True,
                           stdout=subprocess.PIPE).stdout.decode().split("\0")
    for name in filter(None, names):
        source, target = os.path.join(fuzz.TREE, name), os.path.join(place, name)
        if not os.path.isfile(source):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(source, "rb") as file:
            wanted = file.read()
        if not os.path.isfile(target) or open(target, "rb").read() != wanted:
            shutil.copy(source, target)


def make(place, target):
    words = subprocess.run(["make", "-s", "--no-print-directory", "fuzz-words"], cwd=place,
                           check=True, stdout=subprocess.PIPE).stdout.decode()
    done = subprocess.run("make -s -j2 " + words.strip() + " build/fuzz/" + target, shell=True,
                          cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")})
    if done.returncode:
        sys.exit(done.stdout.decode("utf-8", "replace"))


def try_bug(place, bug, options):
    """What the target found, its reproducer, and after how many seconds."""
    path = os.path.join(place, bug["file"])
    target = "fuzz_" + bug["target"]
    with open(path, encoding="utf-8") as file:
        good = file.read()
    if good.count(bug["-"]) != 1:
        sys.exit("%s: not exactly once there: %s" % (bug["file"], bug["-"]))
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(good.replace(bug["-"], bug["+"]))
        make(place, target)
    finally:
        with open(path, "w", encoding="utf-8") as file:
            file.write(good)
    programs = os.path.join(place, "build/fuzz")
    shutil.rmtree(os.path.join(programs, "new", target), ignore_errors=True)
    start = time.monotonic()
    _, _, what, where = fuzz.fuzz_once(programs, target, options.seconds, options.seed)
    return what, where, time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description="plants bugs and lets the fuzz targets find them")
    parser.add_argument("target", nargs="*")
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int)
    options = parser.parse_intermixed_args()
    place = os.path.abspath(os.path.join(options.build, "fuzz-planted/tree"))
    bugs = [bug for bug in read_bugs(os.path.join(fuzz.TREE, "tests/fuzz/planted.txt"))
            if not options.target or bug["target"] in options.target]
    copy_tree(place)
    missed = 0
    print("%-12s %8s  %-60s %s" % ("target", "seconds", "bug", "found as"), flush=True)
    for bug in bugs:
        what, _, seconds = try_bug(place, bug, options)
        missed += not what
        print("%-12s %8.1f  %-60s %s" % (bug["target"], seconds, bug["bug"],
                                         what.split(" /")[0][:60] or "NOT FOUND"), flush=True)
    print("%d bugs planted, %d found" % (len(bugs), len(bugs) - missed))
    return 1 if missed or not bugs else 0


if __name__ == "__main__":
    sys.exit(main())
