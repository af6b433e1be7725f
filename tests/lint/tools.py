# SPDX-License-Identifier: MIT
"""tools: checks that need a program or a build. Each yields findings, or raises Missing."""

import concurrent.futures
import os
import re
import shutil
import subprocess


class Missing(Exception):
    """The check cannot run here; the text says why."""


def need(program):
    if not shutil.which(program):
        raise Missing(f"{program} is not installed")


def run(words, cwd):
    done = subprocess.run(words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def together(work, items):
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for findings in pool.map(work, items):
            yield from findings


def layout(tree):
    """Other versions of clang-format lay the same code out differently."""
    program = "clang-format-14" if shutil.which("clang-format-14") else "clang-format"
    need(program)
    _, version = run([program, "--version"], tree.root)
    if not re.search(r"version 14\.", version):
        raise Missing("clang-format is not version 14: " + version.strip())

    def one(name):
        status, out = run([program, "--dry-run", "-Werror", name], tree.root)
        first = re.search(r":(\d+):\d+:", out)
        return [] if status == 0 else [
            f"{name}:{first.group(1) if first else 1}: clang-format -i {name} changes it"]
    yield from together(one, tree.named(".c", ".h"))


def headers(tree):
    compiler = os.environ.get("CC", "cc").split()[0]
    need(compiler)
    names = [n for n in tree.named(".h") if n.startswith(("engine/", "lua/", "local_scan/"))]
    flags = ["-std=c11", "-D_GNU_SOURCE", "-I.", "-I/usr/include/exim4", "-DMOON_DLOPEN",
             "-DLOCAL_SCAN", "-x", "c", "-fsyntax-only"]
    _, lua = run(["pkg-config", "--cflags", "lua5.4"], tree.root) if shutil.which(
        "pkg-config") else (1, "")
    flags += [f for f in lua.split() if f.startswith("-")]

    def one(name):
        status, out = run([compiler] + flags + [name], tree.root)
        return [] if status == 0 else [f"{name}:1: does not compile alone: "
                                       + (out.strip().split("\n") or [""])[0]]
    yield from together(one, names)


def defined(tree, words, path):
    status, out = run(["nm"] + words + [path], tree.root)
    if status != 0:
        raise Missing(f"nm cannot read {path}")
    for line in out.split("\n"):
        found = re.match(r"^[0-9a-f]* ?([A-Z]) (\S+)$", line.strip())
        if found and found.group(1) not in "U":
            yield found.group(2)


# OpenSSL's name, and the linker's for it: libopendkim's call of it is answered by engine/auth/sig_pkey.c.
# No other name of a library's may be defined here.
ANSWERED = {"d2i_PUBKEY_bio", "__wrap_d2i_PUBKEY_bio"}


def symbols(tree):
    need("nm")
    library = os.path.join(tree.build, "libmoon.a")
    module = os.path.join(tree.build, "moonscan.so")
    if not os.path.exists(library):
        raise Missing("no build/libmoon.a: `make program` first")
    for name in defined(tree, ["-g", "--defined-only"], library):
        if not name.startswith(("moon_", "__asan", "__odr", "__ubsan")) and name not in ANSWERED:
            yield f"libmoon.a: the external name {name} does not start with moon_"
    if os.path.exists(module):
        for name in defined(tree, ["-D", "--defined-only"], module):
            if not name.startswith("local_scan") and name != "moon_data":
                yield f"moonscan.so: exports {name}; Exim calls local_scan* and moon_data only"
