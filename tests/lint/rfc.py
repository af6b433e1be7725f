# SPDX-License-Identifier: MIT
"""rfc: docs/rfc/index.tsv against the code, both ways.

    rfc.py [--missing]    lists lines for sections that engine/, lua/ and local_scan/ cite and the
                          index does not have, ready to be judged and pasted

A line of the index: RFC <tab> section <tab> done|partial|not-applicable <tab> file <tab> note.
1. Every section that the code cites is in the index, and every file the index names exists.
2. The file a line names cites the section.
3. A section marked done is cited by a test.
"""

import os
import re
import sys

sys.dont_write_bytecode = True

INDEX = "docs/rfc/index.tsv"
STATUSES = ("done", "partial", "not-applicable")
ONE = re.compile(r"\bRFC (\d{3,5}) sections? ((?:[0-9A-Z]+(?:\.\d+)*)(?:(?:, | and | to )\d+(?:\.\d+)*)*)")
CODE = ("engine/", "lua/", "local_scan/")
CITING = (".c", ".h", ".lua", ".py", ".sh", ".eml", ".txt", ".zone", ".yml", ".scenario", ".md")
PLANTED = "tests/lint/test_lint.py"  # its citations are planted


def cited(text):
    """(RFC, section) of a text; a citation may be cut by a comment's line break."""
    flat = re.sub(r"\s*\n\s*(?:\*|//|--|#)?\s*", " ", text)
    for found in ONE.finditer(flat):
        for section in re.split(r", | and | to ", found.group(2)):
            yield found.group(1), section


def read(tree):
    rows = []
    for number, line in enumerate(tree.lines(INDEX), 1):
        if line and not line.startswith("#"):
            rows.append((number, line.split("\t")))
    return rows


def by_file(tree, folders):
    return {name: set(cited(tree.text(name))) for name in tree.files
            if name.startswith(folders) and name.endswith(CITING) and name != PLANTED}


def index(tree):
    if INDEX not in tree.files:
        yield f"{INDEX}:1: there is no such file"
        return
    code, tests = by_file(tree, CODE), by_file(tree, ("tests/",))
    tested = set().union(*tests.values()) if tests else set()
    known = set()
    for number, row in read(tree):
        where = f"{INDEX}:{number}"
        if len(row) != 5 or row[2] not in STATUSES:
            yield f"{where}: not RFC, section, {'|'.join(STATUSES)}, file, note"
            continue
        rfc, section, status, name, note = row
        if (rfc, section) in known:
            yield f"{where}: RFC {rfc} section {section} is there twice"
        known.add((rfc, section))
        if status == "not-applicable":
            if not note:
                yield f"{where}: why is it not applicable?"
            continue
        if name not in tree.files:
            yield f"{where}: there is no file {name}"
        elif (rfc, section) not in set(cited(tree.text(name))):
            yield f"{where}: {name} does not cite RFC {rfc} section {section}"
        if status == "done" and (rfc, section) not in tested:
            yield f"{where}: no test cites RFC {rfc} section {section}"
    for rfc, section, name in missing(tree, known):
        yield f"{name}:1: cites RFC {rfc} section {section}, which {INDEX} does not have"


def missing(tree, known=None):
    if known is None:
        known = {tuple(row[:2]) for _, row in read(tree)} if INDEX in tree.files else set()
    files = by_file(tree, CODE)
    for name in sorted(files, key=lambda n: (n.endswith(".h"), n)):
        for rfc, section in sorted(files[name] - known):
            known.add((rfc, section))
            yield rfc, section, name


def main():
    from tree import Tree
    tree = Tree(os.path.abspath(os.path.join(os.path.dirname(__file__), "../..")), "build")
    tests = by_file(tree, ("tests/",))
    tested = set().union(*tests.values()) if tests else set()
    for rfc, section, name in sorted(missing(tree), key=lambda m: (int(m[0]), m[1])):
        print("\t".join((rfc, section, "done" if (rfc, section) in tested else "partial", name, "")))


if __name__ == "__main__":
    sys.exit(main())
