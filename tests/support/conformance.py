#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""conformance: the suites of tests/conformance as one table: suite, passed, of, deviations. Below it
each deviation with its reason, and what failed. The exit status is 1 when a case failed or a suite
could not run. `make check` runs the same programs.

A deviation is a case that is decided otherwise than its suite says: its line has "deviation" in it.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SUITES = (
    ("SPF, public suite", ["python3", "tests/conformance/spf_suite.py"]),
    ("SPF, public suite, command line", ["python3", "tests/conformance/spf_check.py"]),
    ("SPF, own cases (unit tests)", [
        "sh", "-c", "for t in tests/unit/test_spf*.c; do @BUILD@/tests/unit/$(basename $t .c) || "
        "exit 1; done"]),
    ("DKIM, rows", ["python3", "tests/conformance/dkim_rows.py"]),
    ("ARC, public suite, command line", ["python3", "tests/conformance/arc_suite.py"]),
    ("DMARC, items", ["python3", "tests/conformance/dmarc_items.py"]),
    ("Public corpora, all four", ["/usr/bin/python3", "tests/conformance/corpus_results.py"]),
    ("Authentication-Results (unit tests)", ["@BUILD@/tests/unit/test_authres"]),
)


def run(command):
    """(passed names, failed lines with their explanations, the reason when nothing ran)."""
    words = [word.replace("@BUILD@", os.environ.get("BUILD", "build")) for word in command]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)
    passed, failed = [], []
    lines = done.stdout.decode(errors="replace").splitlines()
    for line in lines:
        if re.match(r"ok \d+ - ", line) and "# SKIP" not in line:
            passed.append(line.split(" - ", 1)[1])
        elif line.startswith("not ok"):
            failed.append(line)
        elif line.startswith("# ") and failed:
            failed.append("    " + line[2:])
    skipped = [line for line in lines if line.startswith("1..0")]
    if skipped:
        return passed, failed, skipped[0]
    if done.returncode and not failed:
        failed.append("not ok - exit status %d: %s" % (done.returncode,
                                                       done.stderr.decode(errors="replace")[-300:]))
    return passed, failed, None


def main():
    bad = False
    notes = []
    print("%-38s%8s%6s%12s" % ("suite", "passed", "of", "deviations"))
    for name, command in SUITES:
        passed, failed, skipped = run(command)
        if skipped:
            print("%-38s%s" % (name, skipped))
            bad = True
            continue
        deviations = [case for case in passed if "deviation" in case]
        count = len(passed) + sum(line.startswith("not ok") for line in failed)
        print("%-38s%8d%6d%12d" % (name, len(passed) - len(deviations), count, len(deviations)))
        notes += ["%s: %s" % (name, case) for case in deviations]
        notes += ["%s: %s" % (name, line) for line in failed]
        bad = bad or bool(failed) or not count
        sys.stdout.flush()
    if notes:
        print("\n" + "\n".join(notes))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
