#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""test_lint: plants a violation of each rule in a small tree of its own and sees it found (TAP)."""

import os
import shutil
import subprocess
import sys
import tempfile

LINT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lint.py")
TOP = "/* SPDX-License-Identifier: MIT */\n"
LUA = "-- SPDX-License-Identifier: MIT\n"
GOOD = TOP + '#include "engine/base/a.h"\n\nint moon_a(int n)\n{\n    return n;\n}\n'
HEADER = TOP + "#ifndef A_H\n#define A_H\nint moon_a(int n);\n#endif\n"
# Cut in two, so that lint does not find them in this file.
NOTE, PLACE = "TO" + "DO", "/ho" + "me/someone/tree"
ROW = "7208\t4.6.4\tdone\tengine/base/a.c\t\n"
CITES = TOP + "/* RFC 7208 section 4.6.4 */\n"


def long_function(lines):
    return TOP + "int moon_a(int n)\n{\n" + "    n++;\n" * (lines - 3) + "    return n;\n}\n"


# (what is planted, check, files beside the good ones, text that must be in the findings or None)
CASES = [
    ("a C file without licence line", "licence", {"engine/base/b.c": "int x;\n"}, "b.c:1"),
    ("a script without licence line", "licence", {"tests/x.sh": "#!/bin/sh\necho\n"}, "x.sh:1"),
    ("a corpus file needs no licence line", "licence", {"tests/fuzz/corpus/x/a.c": "x"}, None),
    ("a note to do something later", "notes", {"lua/x.lua": LUA + f"-- {NOTE}: x\n"}, "x.lua:2"),
    ("a path of one machine", "paths", {"docs/x.md": f"see {PLACE}\n"}, "x.md:1"),
    ("a path inside an address is none", "paths", {"docs/x.md": "https://a.example/work/x\n"}, None),
    ("a citation without space", "citations", {"docs/x.md": "RF" "C7208\n"}, "x.md:1"),
    ("a citation with a section sign", "citations", {"docs/x.md": "RFC 7208 \u00a74.6\n"}, "x.md"),
    ("a citation with sec.", "citations", {"docs/x.md": "RFC 7208 sec. 4.6\n"}, "x.md:1"),
    ("a citation as it should be", "citations", {"docs/x.md": "RFC 7208 section 4.6.4\n"}, None),
    ("a file that is too long", "lengths", {"engine/base/b.c": TOP + "int x;\n" * 500}, "b.c:501"),
    ("a C function that is too long", "lengths", {"engine/base/b.c": long_function(82)}, "moon_a"),
    ("a C function of the length allowed", "lengths", {"engine/base/b.c": long_function(80)}, None),
    ("a Lua function that is too long", "lengths",
     {"lua/x.lua": LUA + "local function f()\n" + "  g()\n" * 80 + "end\n"}, "x.lua:2: f"),
    ("a Python function that is too long", "lengths",
     {"tests/x.py": "def f():\n" + "    g()\n" * 80}, "x.py:1: f"),
    ("a room that looks upwards", "rooms",
     {"engine/base/b.c": TOP + '#include "engine/auth/results.h"\n'}, "b.c:2"),
    ("the module and a parser", "rooms",
     {"local_scan/b.c": TOP + '#include "engine/message/tags.h"\n'}, "b.c:2"),
    ("Lua outside its room", "rooms", {"engine/base/b.c": TOP + "#include <lua.h>\n"}, "b.c:2"),
    ("Exim's header outside the module", "rooms",
     {"engine/base/b.c": TOP + '#include "local_scan.h"\n'}, "b.c:2"),
    ("a second adapter of a library", "rooms",
     {"engine/auth/b.c": TOP + "#include <spf2/spf.h>\n",
      "engine/auth/c.c": TOP + "#include <spf2/spf.h>\n"}, "c.c:2"),
    ("a folder that is no room", "rooms", {"engine/attic/b.c": TOP}, "b.c:1"),
    ("a function without bound", "functions",
     {"engine/base/b.c": TOP + "void f(char *a) { str" "cpy(a, a); }\n"}, "b.c:2"),
    ("a function that asks the locale", "functions",
     {"engine/base/b.c": TOP + "int f(int c) { return isalpha(c); }\n"}, "b.c:2"),
    ("a test that copies its own text", "functions",
     {"tests/unit/b.c": TOP + "void f(char *a) { str" "cpy(a, a); }\n"}, None),
    ("forbidden names in comments and strings", "functions",
     {"engine/base/b.c": TOP + "/* atoi(x) */\nconst char *s = \"atoi(x)\";\n"}, None),
    ("an RFC section that the index does not have", "rfc",
     {"engine/base/b.c": CITES, "docs/rfc/index.tsv": "# nothing\n"}, "b.c:1"),
    ("an index line whose file does not cite", "rfc", {"docs/rfc/index.tsv": ROW}, "does not cite"),
    ("an index line whose file is gone", "rfc",
     {"docs/rfc/index.tsv": ROW.replace("a.c", "gone.c")}, "no file"),
    ("a section done without a test", "rfc",
     {"engine/base/a.c": GOOD + CITES, "docs/rfc/index.tsv": ROW}, "no test"),
    ("a section done with a test", "rfc",
     {"engine/base/a.c": GOOD + CITES, "docs/rfc/index.tsv": ROW, "tests/unit/test_a.c": CITES},
     None),
    ("a malformed index line", "rfc", {"docs/rfc/index.tsv": "7208 4.6.4 done\n"}, "index.tsv:1"),
    ("an index that is missing", "rfc", {}, "no such file"),
    ("a file that clang-format changes", "layout",
     {".clang-format": "BasedOnStyle: LLVM\n", "engine/base/b.c": TOP + "int  x ;\n"}, "b.c:2"),
    ("a header that needs another one", "headers",
     {"engine/base/b.h": TOP + "size_t moon_b(void);\n"}, "b.h:1"),
]


def run(root, *words):
    done = subprocess.run([sys.executable, LINT, "--root", root, *words], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode()


def plant(root, files):
    for name, text in {"engine/base/a.c": GOOD, "engine/base/a.h": HEADER, **files}.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def judge(check, files, want):
    """None, or what went wrong; a word in front of '#' says that the check cannot run here."""
    with tempfile.TemporaryDirectory() as root:
        plant(root, files)
        status, out = run(root, check)
        if "left out" in out:
            return "# SKIP " + out.split("left out: ")[1].split("\n")[0]
        if want is None:
            return None if status == 0 else "found something: " + out
        return None if status == 1 and want in out else f"did not find '{want}': {out}"


def judge_symbols():
    """A library and a module that export what they should not."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    with tempfile.TemporaryDirectory() as root:
        plant(root, {"b.c": "int stray(void) { return 0; }\n"})
        for words in ([compiler, "-c", "-o", "b.o", "b.c"], ["ar", "rc", "build/libmoon.a", "b.o"],
                      [compiler, "-shared", "-fPIC", "-o", "build/moonscan.so", "b.c"]):
            os.makedirs(os.path.join(root, "build"), exist_ok=True)
            subprocess.run(words, cwd=root, check=True)
        status, out = run(root, "symbols")
        good = status == 1 and "libmoon.a: the external name stray" in out and "exports stray" in out
        return None if good else out


def judge_without_tools():
    """Without clang-format, compiler and nm lint still runs and says what it left out."""
    with tempfile.TemporaryDirectory() as root:
        plant(root, {})
        done = subprocess.run([sys.executable, LINT, "--root", root, "layout", "headers", "symbols"],
                              env={"PATH": os.path.join(root, "nothing")}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        out = done.stdout.decode()
        return None if done.returncode == 0 and out.count("left out") == 3 else out


def main():
    results = [(name, judge(check, files, want)) for name, check, files, want in CASES]
    results.append(("external names that are not ours", judge_symbols()))
    results.append(("a machine without the optional tools", judge_without_tools()))
    for number, (name, trouble) in enumerate(results, 1):
        if trouble and trouble.startswith("# SKIP"):
            print(f"ok {number} - {name} {trouble}")
        elif trouble:
            print(f"not ok {number} - {name}")
            print("\n".join("# " + line for line in trouble.strip().split("\n")))
        else:
            print(f"ok {number} - {name}")
    print(f"1..{len(results)}")
    return 1 if any(t and not t.startswith("# SKIP") for _, t in results) else 0


if __name__ == "__main__":
    sys.exit(main())
