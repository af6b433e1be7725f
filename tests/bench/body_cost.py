#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A body's cost is linear in its size: instructions (callgrind) of `moonscan bench` with one message of
three sizes. What a KB costs between the second and the third is what it costs between the first and
the second. The numbers do not depend on the speed of the machine. Prints TAP."""

import os
import re
import subprocess
import sys
import tempfile

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TREE, os.environ.get("BUILD", "build"))
KEY = os.path.join(TREE, "tests/support/keys/rsa2048.pem")
HEAD = b"From: al@bank.example\r\nTo: x@rcpt.example\r\nSubject: bodies\r\n\r\n"
SIZES = [32 * 1024, 128 * 1024, 512 * 1024]
MORE_MAX = 1.03  # of a KB among the larger ones
sys.path.insert(0, os.path.join(TREE, "tests/support"))

from names import txt  # noqa: E402
from tap import Failed, Suite, want  # noqa: E402

TEXT = b"The quick  brown fox\tjumps over the lazy dog, and so on to the end.\r\n"
BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/ABCDEFGHIJKL\r\n"
SPACE = b"  \t   \t\t   \t    \t     \t   \t    \r\n"
suite = Suite()


def run(program, *words, text=None):
    done = subprocess.run([os.path.join(BUILD, program), *words], input=text, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise Failed("%s %s: %s" % (program, " ".join(words), done.stderr.decode()))
    return done.stdout


def sign(text, *words, program="tests/sign"):
    return run(program, "--key", KEY, "--domain", "bank.example", "--selector", "s", *words,
               text=text)


def sealed(text):
    """A chain over a body to which something was added: DKIM shows no hash that ARC could take."""
    return sign(text, "--instance", "1", "--canon", "relaxed/relaxed",
                program="tests/seal") + b"Added.\r\n"


def instructions(folder, message, wanted):
    with open(os.path.join(folder, "a.eml"), "wb") as file:
        file.write(message)
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--trace-children=yes",
         "--callgrind-out-file=" + os.path.join(folder, "callgrind.%p"),
         os.path.join(BUILD, "moonscan"), "bench", "--zone", os.path.join(folder, "zone"), folder],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    want(done.returncode, 0, "status; " + done.stderr[-500:])
    if wanted not in done.stdout:
        raise Failed("no %s in %s" % (wanted, done.stdout))
    # of the process that evaluates; the other one only waits
    return max(int(number) for number in re.findall(r"Collected : (\d+)", done.stderr))


def expect_linear(line, make, wanted='"result":"pass"'):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "list.tsv"), "w", encoding="ascii") as file:
            file.write("a\t192.0.2.7\tmx.bank.example\tal@bank.example\tx@rcpt.example\ta.eml\n")
        with open(os.path.join(folder, "zone"), "w", encoding="ascii") as file:
            record = run("tests/sign", "--key", KEY, "--record").decode().strip()
            file.write("$ORIGIN bank.example.\n%s\n" % txt("s._domainkey", record))
        counts = []
        for size in SIZES:
            body = (line * (size // len(line) + 1))[:size - 2] + b"\r\n"
            counts.append(instructions(folder, make(HEAD + body), wanted))
    small, large = (1024 * (counts[i + 1] - counts[i]) / (SIZES[i + 1] - SIZES[i]) for i in (0, 1))
    print("# a KB: %.0f instructions up to %d KB, %.0f up to %d KB"
          % (small, SIZES[1] // 1024, large, SIZES[2] // 1024))
    want(0 < small and large <= small * MORE_MAX, True, "%.0f after %.0f" % (large, small))


@suite.case()
def text_in_the_relaxed_form(_):
    expect_linear(TEXT, lambda text: sign(text, "--canon", "relaxed/relaxed"))


@suite.case()
def text_in_the_simple_form(_):
    expect_linear(TEXT, lambda text: sign(text, "--canon", "simple/simple"))


@suite.case()
def base64_in_the_relaxed_form(_):
    expect_linear(BASE64, lambda text: sign(text, "--canon", "relaxed/relaxed"))


@suite.case()
def one_long_line(_):
    expect_linear(b"x", lambda text: sign(text, "--canon", "relaxed/relaxed"))


@suite.case()
def empty_lines(_):
    expect_linear(b"\r\n", lambda text: sign(text + b"The end.\r\n", "--canon", "relaxed/relaxed"))


@suite.case()
def white_space(_):
    expect_linear(SPACE, lambda text: sign(text, "--canon", "relaxed/relaxed"))


@suite.case()
def a_signature_of_a_part_of_it(_):
    expect_linear(TEXT, lambda text: sign(text, "--canon", "relaxed/relaxed", "--length", "1000"))


@suite.case()
def a_signature_that_the_core_verifies(_):
    expect_linear(TEXT, lambda text: sign(text, "--canon", "relaxed/relaxed", "--tag", "xb=1"))


@suite.case()
def a_chain_that_dkim_says_nothing_about(_):
    expect_linear(TEXT, sealed, '"arc":"fail"')


@suite.case()
def a_message_that_nobody_signed(_):
    """Its body is not read: the parser looks for its beginning only."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "list.tsv"), "w", encoding="ascii") as file:
            file.write("a\t192.0.2.7\tmx.bank.example\tal@bank.example\tx@rcpt.example\ta.eml\n")
        with open(os.path.join(folder, "zone"), "w", encoding="ascii") as file:
            file.write("$ORIGIN bank.example.\n")
        counts = [instructions(folder, HEAD + TEXT * n, '"dkim":[]') for n in (1, 10000)]
    want(counts[1] <= counts[0] * MORE_MAX, True, "%d after %d" % (counts[1], counts[0]))


if __name__ == "__main__":
    sys.exit(suite.main())
