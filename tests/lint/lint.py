#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""lint: the house rules that a machine can check (docs/conventions.md).

    lint.py [--root DIR] [--build build] [CHECK ...]

Prints a line per finding, `file:line: what is wrong`, then a line per check that was left out, with
the reason, and the sum. The status is 1 when there is a finding.
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import api  # noqa: E402  (the modules beside this file)
import rfc  # noqa: E402
import source  # noqa: E402
import text  # noqa: E402
import tools  # noqa: E402
from tree import Tree  # noqa: E402

CHECKS = {
    "licence": text.licence,
    "notes": text.notes,
    "paths": text.paths,
    "citations": text.citations,
    "lengths": text.lengths,
    "rooms": source.rooms,
    "functions": source.functions,
    "rfc": rfc.index,
    "api": api.check,
    "layout": tools.layout,
    "headers": tools.headers,
    "symbols": tools.symbols,
}


def main():
    parser = argparse.ArgumentParser(description="the house rules that a machine can check")
    parser.add_argument("--root", default=os.path.join(os.path.dirname(__file__), "../.."))
    parser.add_argument("--build", default="build")
    parser.add_argument("checks", nargs="*", choices=[[], *CHECKS], metavar="CHECK",
                        help=", ".join(CHECKS))
    options = parser.parse_args()
    tree = Tree(os.path.abspath(options.root), options.build)
    findings, left_out = 0, []
    for name in options.checks or CHECKS:
        try:
            for finding in CHECKS[name](tree):
                findings += 1
                print(f"{finding}  [{name}]")
        except tools.Missing as reason:
            left_out.append(f"lint: {name} left out: {reason}")
    for line in left_out:
        print(line)
    count = len(options.checks or CHECKS) - len(left_out)
    print(f"lint: {count} checks of {len(tree.files)} files, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
