#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""fuzz: runs the fuzz targets, and measures what their corpora reach.

    fuzz.py run [--build build] [--seconds 60] [--seed N] [TARGET ...]
    fuzz.py coverage [--build build] [--least 85] [TARGET ...]

run: every program of BUILD/fuzz, two at a time, from the shipped corpus. New inputs stay in
BUILD/fuzz/new/TARGET, reproducers in BUILD/fuzz/found/TARGET. The status is 1 when something was
found.

coverage: every program of BUILD/fuzz-coverage on its shipped corpus only; the lines that it
executed of the parser that it names. A target names its parser in its first comment, one or more
lines `Parser: FILE` or `Parser: FILE FUNCTION ...`. The status is 1 when a target is below LEAST
per cent.
"""

import argparse
import concurrent.futures
import glob
import json
import os
import re
import subprocess
import sys

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STATS = {"runs": re.compile(r"stat::number_of_executed_units:\s*(\d+)"),
         "edges": re.compile(r"cov: (\d+)")}
FOUND = re.compile(r"Test unit written to (\S+)")
WHAT = re.compile(r"^(?:SUMMARY: (.*)|==\d+== ?ERROR: (libFuzzer: .*)|.*(runtime error: .*))$", re.M)
LIMITS = ["-timeout=25", "-rss_limit_mb=2048", "-print_final_stats=1", "-use_value_profile=1"]


def targets(chosen):
    names = sorted(os.path.basename(p)[:-2] for p in glob.glob(TREE + "/tests/fuzz/fuzz_*.c"))
    wanted = ["fuzz_" + name.replace("fuzz_", "", 1) for name in chosen]
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        sys.exit("no such target: " + " ".join(unknown))
    return wanted or names


def corpus(target):
    return os.path.join(TREE, "tests/fuzz/corpus", target.replace("fuzz_", "", 1))


def length_of(target):
    """The longest input: a few times the corpus's longest, so that all of it is used."""
    longest = max((os.path.getsize(p) for p in glob.glob(corpus(target) + "/*")), default=0)
    return max(4096, 2 * longest)


def fuzz_once(programs, target, seconds, seed=None):
    """Runs one target; returns runs, edges, what was found ("" for nothing) and the reproducer."""
    new = os.path.join(programs, "new", target)
    found = os.path.join(programs, "found", target)
    os.makedirs(new, exist_ok=True)
    os.makedirs(found, exist_ok=True)
    command = [os.path.join(programs, target), "-max_total_time=%d" % seconds,
               "-max_len=%d" % length_of(target), "-artifact_prefix=%s/" % found, *LIMITS,
               *(["-seed=%d" % seed] if seed else []), new, corpus(target)]
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1",
                       UBSAN_OPTIONS="print_stacktrace=1")
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=TREE,
                          env=environment, check=False)
    text = done.stderr.decode("utf-8", "replace")
    with open(os.path.join(found, "log"), "w", encoding="utf-8") as log:
        log.write(text)
    numbers = [int((re.findall(STATS[key], text) or ["0"])[-1]) for key in ("runs", "edges")]
    if done.returncode == 0:
        return (*numbers, "", "")
    what = next((a or b or c for a, b, c in reversed(WHAT.findall(text))), "")
    where = FOUND.search(text)
    return (*numbers, what or "status %d" % done.returncode,
            where.group(1) if where else os.path.join(found, "log"))


def run(options):
    programs = os.path.abspath(os.path.join(options.build, "fuzz"))
    bad = 0
    print("%-20s %12s %8s  %s" % ("target", "runs", "edges", "result"), flush=True)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [(name, pool.submit(fuzz_once, programs, name, options.seconds, options.seed))
                for name in targets(options.target)]
        for name, job in jobs:
            runs, edges, what, where = job.result()
            bad += bool(what)
            print("%-20s %12d %8d  %s" % (name[5:], runs, edges, what or "nothing found"),
                  flush=True)
            if what:
                print("    reproducer: " + os.path.relpath(where, TREE), flush=True)
    print("%d targets, %d s each, %d with a finding" % (len(jobs), options.seconds, bad))
    return 1 if bad else 0


def parsers(target):
    """[(file, functions or None)] of the target's first comment."""
    with open(os.path.join(TREE, "tests/fuzz", target + ".c"), encoding="utf-8") as file:
        head = file.read().split("*/", 1)[0]
    named = []
    for words in re.findall(r"Parser: (.*)", head):
        path, *functions = words.split()
        if not os.path.isfile(os.path.join(TREE, path)):
            sys.exit("%s: there is no %s" % (target, path))
        named.append((path, functions or None))
    if not named:
        sys.exit("%s: names no parser" % target)
    return named


def lines_of(function):
    """Executable lines of a function and whether each was run: llvm-cov's regions, innermost."""
    state = {}
    regions = [r for r in function["regions"] if r[7] == 0 and r[5] == 0]
    for start, _, end, _, count, *_ in regions:  # outer regions come first
        for line in range(start, end + 1):
            state[line] = count > 0
    # A line is run when any region that starts on it is.
    for start, _, _, _, count, *_ in regions:
        if count > 0:
            state[start] = True
    return state


def measure(programs, target):
    """[(file, lines, lines run)], and the lines that were not run by file."""
    profile = os.path.join(programs, target + ".profile")
    program = os.path.join(programs, target)
    subprocess.run([program, "-runs=0", corpus(target)], check=True, cwd=TREE,
                   env=dict(os.environ, LLVM_PROFILE_FILE=profile + ".raw"),
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["llvm-profdata", "merge", "-sparse", profile + ".raw", "-o", profile],
                   check=True)
    named = parsers(target)
    out = subprocess.run(["llvm-cov", "export", program, "-instr-profile=" + profile,
                          *[path for path, _ in named]], check=True, cwd=TREE,
                         stdout=subprocess.PIPE).stdout
    functions = json.loads(out)["data"][0]["functions"]
    rows = []
    for path, wanted in named:
        state = {}
        for function in functions:
            name = function["name"].split(":")[-1]
            if function["filenames"][0].endswith(path) and (wanted is None or name in wanted):
                state.update(lines_of(function))
        missing = set(wanted or ()) - {f["name"].split(":")[-1] for f in functions}
        if missing or not state:
            sys.exit("%s: %s has no %s" % (target, path, " ".join(sorted(missing)) or "code"))
        rows.append((path, len(state), sum(state.values()),
                     sorted(line for line in state if not state[line])))
    return rows


def ranges(numbers):
    parts = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return " ".join("%d" % a if a == b else "%d-%d" % (a, b) for a, b in parts)


def coverage(options):
    programs = os.path.abspath(os.path.join(options.build, "fuzz-coverage"))
    low = 0
    print("%-14s %6s %6s %7s  %s" % ("target", "lines", "run", "", "parser"))
    for target in targets(options.target):
        rows = measure(programs, target)
        lines, ran = sum(r[1] for r in rows), sum(r[2] for r in rows)
        enough = 100 * ran >= options.least * lines
        low += not enough
        print("%-14s %6d %6d %6.1f%%  %s%s" % (target[5:], lines, ran, 100 * ran / lines,
                                             " ".join(r[0] for r in rows),
                                             "" if enough else "  TOO LOW"), flush=True)
        if options.missing:
            for path, _, _, left in rows:
                print("    %s: %s" % (path, ranges(left) or "all"))
    print("%d below %d %%" % (low, options.least))
    return 1 if low else 0


def main():
    parser = argparse.ArgumentParser(description="runs and measures the fuzz targets")
    parser.add_argument("what", choices=["run", "coverage"])
    parser.add_argument("target", nargs="*")
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--least", type=int, default=85)
    parser.add_argument("--missing", action="store_true", help="say the lines that were not run")
    options = parser.parse_intermixed_args()
    return run(options) if options.what == "run" else coverage(options)


if __name__ == "__main__":
    sys.exit(main())
