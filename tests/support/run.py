#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run: the test runner of `make check`.

    run.py [--skips tests/skips.txt] [--jobs 2] [--timeout S] --file COMMANDS
    run.py [options] -- PROGRAM [PROGRAM ...]        each a program without arguments
    run.py [options] --one -- PROGRAM ARGUMENT ...   a single command

A COMMANDS file ("-" is standard input) has a command per line, split as the shell would split it;
empty lines and lines that start with # are left out. A command whose words begin with NAME=value
gets these in its environment.

1. Each command runs in a process group of its own, `--jobs` of them at a time.
2. Its standard output is read as TAP (cmocka's, several plans in one output included). What it
   prints beside TAP is kept and shown when something failed.
3. A program that ends with a status other than zero, or by a signal, or in time never, without
   having printed `not ok`, counts as one failed case; so does one that ran fewer cases than its
   plan says, and one that printed no case at all.
4. A skipped case must be named by a line of the skip list, `pattern<TAB>reason`, where the pattern
   (* and ? as in file names) matches "program: case". A skip that no line names is a failure.
5. The last line is `N passed, N failed, N skipped`; the status is 1 when a case failed.
"""

import argparse
import concurrent.futures
import fnmatch
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time

CASE = re.compile(r"^\s*(not ok|ok)\b\s*(\d+)?\s*(?:- ?)?(.*?)\s*$")
PLAN = re.compile(r"^\s*1\.\.(\d+)\s*(?:#\s*(.*))?$")
DIRECTIVE = re.compile(r"(?:^|\s)#\s*(skip\w*|todo)\b:?\s*(.*)$", re.IGNORECASE)


class Outcome:
    """What one program's run came to."""

    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.failed = []   # (case, why)
        self.skipped = []  # (case, reason)
        self.output = ""
        self.seconds = 0.0


def read_tap(outcome, text):
    """Counts the cases of a TAP text into `outcome`; returns cases planned and seen."""
    planned = 0
    seen = 0
    for line in text.splitlines():
        if line.lstrip().startswith("Bail out!"):
            outcome.failed.append(("bail out", line.strip()))
            continue
        plan = PLAN.match(line)
        if plan:
            planned += int(plan.group(1))
            if plan.group(1) == "0":
                reason = re.sub(r"(?i)^skip\w*:?\s*", "", plan.group(2) or "")
                outcome.skipped.append(("all", reason or "no reason given"))
            continue
        case = CASE.match(line)
        if not case:
            continue
        seen += 1
        name = case.group(3) or "case " + (case.group(2) or str(seen))
        directive = DIRECTIVE.search(name)
        if directive:
            # cmocka puts the name of a skipped case where the reason should be.
            name = name[: directive.start()].strip() or directive.group(2) or "case %d" % seen
        if case.group(1) == "not ok":
            outcome.failed.append((name, "not ok"))
        elif directive and directive.group(1).lower().startswith("skip"):
            outcome.skipped.append((name, directive.group(2) or "no reason given"))
        else:
            outcome.passed += 1
    return planned, seen


def split_environment(words):
    """NAME=value words in front of a command are its environment."""
    environment = dict(os.environ)
    while words and re.match(r"^[A-Za-z_][A-Za-z0-9_]*=", words[0]):
        name, value = words.pop(0).split("=", 1)
        environment[name] = value
    return environment, words


def name_of(words):
    """How a command is called in the table: without what all of them share."""
    shown = [w for w in words if not re.match(r"^[A-Za-z_][A-Za-z0-9_]*=", w)]
    if len(shown) > 1 and os.path.basename(shown[0]).startswith(("python", "bash", "sh")):
        shown = shown[1:]
    environment = [w for w in words if w not in shown and "=" in w and not w.startswith("/")]
    shown = [w[6:] if w.startswith("build/") else w for w in shown]
    shown = [w[6:] if w.startswith("tests/") else w for w in shown]
    return " ".join(shown) + (" (" + " ".join(environment) + ")" if environment else "")


class Runner:
    def __init__(self, timeout_s):
        self.timeout_s = timeout_s
        self.lock = threading.Lock()
        self.running = {}
        self.stopping = False

    def stop(self):
        """Ends what still runs: a signal to each process group."""
        with self.lock:
            self.stopping = True
            for group in self.running:
                try:
                    os.killpg(group, signal.SIGTERM)
                except ProcessLookupError:
                    pass

    def run(self, words):
        outcome = Outcome(name_of(words))
        started = time.monotonic()
        environment, argv = split_environment(list(words))
        try:
            with self.lock:
                if self.stopping:
                    outcome.failed.append(("the program", "not run: interrupted"))
                    return outcome
                process = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                           start_new_session=True)
                self.running[process.pid] = process
        except OSError as error:
            outcome.failed.append(("the program", str(error)))
            return outcome
        late = False
        try:
            out, err = process.communicate(timeout=self.timeout_s)
        except subprocess.TimeoutExpired:
            late = True
            os.killpg(process.pid, signal.SIGTERM)
            try:
                out, err = process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                out, err = process.communicate()
        with self.lock:
            del self.running[process.pid]
        outcome.seconds = time.monotonic() - started
        text = out.decode("utf-8", "replace")
        outcome.output = text + err.decode("utf-8", "replace")
        self.judge(outcome, text, process.returncode, late)
        return outcome

    def judge(self, outcome, text, status, late):
        planned, seen = read_tap(outcome, text)
        if late:
            outcome.failed.append(("the program", "not done after %d s" % self.timeout_s))
        elif status < 0:
            try:
                name = signal.Signals(-status).name
            except ValueError:
                name = "signal %d" % -status
            outcome.failed.append(("the program", "ended by " + name))
        elif status != 0 and not outcome.failed:
            outcome.failed.append(("the program", "exit status %d" % status))
        if not outcome.failed:
            if planned > seen:
                outcome.failed.append(("the plan", "%d cases planned, %d run" % (planned, seen)))
            elif seen == 0 and not outcome.skipped:
                outcome.failed.append(("the program", "printed no test case"))


def read_skips(path):
    """The skip list: (pattern, reason) each."""
    skips = []
    if not path:
        return skips
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if not line.strip() or line.startswith("#"):
                continue
            pattern, tab, reason = line.partition("\t")
            if not tab or not pattern.strip() or not reason.strip():
                sys.exit("%s:%d: want pattern<TAB>reason" % (path, number))
            skips.append((pattern.strip(), reason.strip()))
    return skips


def check_skips(outcome, skips):
    """Skips that the list does not name become failures."""
    kept = []
    for case, reason in outcome.skipped:
        label = "%s: %s" % (outcome.name, case)
        if any(fnmatch.fnmatchcase(label, pattern) for pattern, _ in skips):
            kept.append((case, reason))
        else:
            outcome.failed.append((case, "skipped (%s), but the skip list does not name it" % reason))
    outcome.skipped = kept


def show(outcome, width, verbose):
    """One line for a program; everything when it failed."""
    word = "FAIL" if outcome.failed else "ok"
    counts = "%4d passed" % outcome.passed
    if outcome.failed:
        counts += ", %d failed" % len(outcome.failed)
    if outcome.skipped:
        counts += ", %d skipped" % len(outcome.skipped)
    print("%-4s %-*s %6.1f s  %s" % (word, width, outcome.name, outcome.seconds, counts))
    for case, reason in outcome.skipped:
        print("       skipped: %s (%s)" % (case, reason))
    for case, why in outcome.failed:
        print("       failed: %s: %s" % (case, why))
    if outcome.failed or verbose:
        for line in outcome.output.splitlines():
            print("       | " + line)
    sys.stdout.flush()


def read_commands(options):
    if options.file:
        with (sys.stdin if options.file == "-" else open(options.file, encoding="utf-8")) as file:
            lines = [line.strip() for line in file]
        return [shlex.split(line) for line in lines if line and not line.startswith("#")]
    if options.one:
        return [options.command]
    return [[word] for word in options.command]


def main():
    parser = argparse.ArgumentParser(description="Runs test programs and reads their TAP.")
    parser.add_argument("--skips", metavar="FILE", help="the skip list")
    parser.add_argument("--jobs", type=int, default=2, help="programs at a time (2)")
    parser.add_argument("--timeout", type=int, default=900, help="seconds for one program (900)")
    parser.add_argument("--verbose", action="store_true", help="show all output")
    parser.add_argument("--file", metavar="COMMANDS", help="a command per line; - is stdin")
    parser.add_argument("--one", action="store_true", help="all words are one command")
    parser.add_argument("command", nargs="*")
    options = parser.parse_args()
    skips = read_skips(options.skips)
    commands = read_commands(options)
    if not commands:
        sys.exit("run.py: nothing to run")
    runner = Runner(options.timeout)

    def interrupted(number, _frame):
        runner.stop()
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGINT, interrupted)
    width = min(60, max(len(name_of(words)) for words in commands))
    passed = failed = skipped = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for future in concurrent.futures.as_completed([pool.submit(runner.run, c)
                                                       for c in commands]):
            outcome = future.result()
            check_skips(outcome, skips)
            show(outcome, width, options.verbose)
            passed += outcome.passed
            failed += len(outcome.failed)
            skipped += len(outcome.skipped)
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
