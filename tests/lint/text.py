# SPDX-License-Identifier: MIT
"""text: rules on the text of files: licence line, left-over notes, paths, citations, lengths."""

import ast
import re

from tree import DATA

CODE = (".c", ".h", ".lua", ".py", ".sh")
FILE_MAX = 500
FUNCTION_MAX = 80

# Spelt so that this file does not find itself.
NOTES = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
PATHS = re.compile(r"(?<![\w.}$-])/(?:work|farm|root|home|Users)/[\w.]")
CITATION_BAD = re.compile(
    r"\bRFC(?=\d)|\bRFC-\d|\bRfc \d|\brfc ?\d{3,4}\s+(?:s|§)|\bRFC \d{3,5},? (?:§|[sS]ec\.|Sec\b|Section)"
    r"|\bRFC \d{3,5}, section|§\s*\d")


def licence(tree):
    names = [f for f in tree.files if not f.startswith(DATA) and (
        f.endswith(CODE) or f.split("/")[-1] in ("Makefile", ".clang-format")
        or f.endswith((".mk", ".service", ".socket", ".yml")) or f == ".ci/run")]
    for name in names:
        if not any("SPDX-License-Identifier: MIT" in line for line in tree.lines(name)[:3]):
            yield f"{name}:1: no line 'SPDX-License-Identifier: MIT' at the top"


def binary(tree, name):
    return "\0" in tree.text(name)[:1000]


def notes(tree):
    for name in tree.files:
        if name.startswith(DATA) or binary(tree, name) or name.endswith((".pem", ".eml", ".json")):
            continue
        for number, line in enumerate(tree.lines(name), 1):
            found = NOTES.search(line)
            # mktemp's pattern is a run of X that no word boundary cuts to three.
            if found:
                yield f"{name}:{number}: '{found.group(1)}': do it or write an issue"


def paths(tree):
    for name in tree.files:
        if binary(tree, name):
            continue
        for number, line in enumerate(tree.lines(name), 1):
            found = PATHS.search(line)
            if found:
                yield f"{name}:{number}: a path of one machine: {found.group(0)}..."


def citations(tree):
    for name in tree.named(".c", ".h", ".lua", ".py", ".sh", ".md"):
        if name == "tests/lint/text.py" or name == "tests/lint/test_lint.py":
            continue
        for number, line in enumerate(tree.lines(name), 1):
            found = CITATION_BAD.search(line)
            if found:
                yield (f"{name}:{number}: '{found.group(0)}': cite as "
                       "'RFC 7208 section 4.6.4'")


def c_functions(lines):
    """Name and length: clang-format puts a function's braces into the first column."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            head = " ".join(lines[max(0, start - 6):start - 1])
            words = re.findall(r"(\w+)\(", head)
            yield words[-1] if words else "?", start, number - start + 1
            start = None


def lua_functions(lines):
    """A function ends at the first `end` that is indented as its head."""
    open_ones = []
    for number, line in enumerate(lines, 1):
        head = re.match(r"(\s*)(?:local\s+)?(?:function\b\s*([\w.:]*)|([\w.\[\]\"]+)\s*=\s*function\b)", line)
        if head and not re.search(r"\bend\b", line):
            open_ones.append((head.group(1), number, head.group(2) or head.group(3) or "?"))
        end = re.match(r"(\s*)end\b", line)
        if end and open_ones and open_ones[-1][0] == end.group(1):
            _, start, function = open_ones.pop()
            if function != "policy.tests":  # a table, inside a function so that mail does not pay for it
                yield function, start, number - start + 1


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def lengths(tree):
    for name in tree.named(".c", ".h", ".lua", ".py"):
        lines = tree.lines(name)
        count = len(lines) - (lines[-1] == "")
        if count > FILE_MAX:
            yield f"{name}:{count}: {count} lines, at most {FILE_MAX} are allowed"
        if name.endswith((".c", ".h")):
            functions = c_functions(lines)
        elif name.endswith(".lua"):
            functions = lua_functions(lines)
        else:
            functions = python_functions(tree.text(name))
        for function, start, length in functions:
            if length > FUNCTION_MAX:
                yield (f"{name}:{start}: {function} has {length} lines, "
                       f"at most {FUNCTION_MAX} are allowed")
