#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`moonscan bench` on a small corpus: each message in each pass has the results and DNS questions of
`moonscan check`, whoever of the processes evaluated it; a corpus that cannot be read is named. Prints TAP."""

import json
import os
import subprocess
import sys
import tempfile

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TREE, os.environ.get("BUILD", "build"))
PROGRAM = os.path.join(BUILD, "moonscan")
STATIC = os.path.join(BUILD, "moonscan-static")
KEY = os.path.join(TREE, "tests/support/keys/rsa2048.pem")
sys.path.insert(0, os.path.join(TREE, "tests/support"))

from names import txt  # noqa: E402
from tap import Failed, Suite, want, want_in  # noqa: E402

# id, client, HELO, sender, recipient, signed
MAILS = [("a", "192.0.2.7", "mx.bank.example", "al@bank.example", "x@rcpt.example", True),
         ("b", "192.0.2.8", "mx.bank.example", "al@bank.example", "x@rcpt.example", False),
         ("c", "192.0.2.7", "mx.bank.example", "", "x@rcpt.example", True)]
TEXT = b"From: al@bank.example\r\nTo: x@rcpt.example\r\nSubject: bench\r\n\r\nHello.\r\n"
suite = Suite()


def sign(*words, text=None):
    return subprocess.run([os.path.join(BUILD, "tests/sign"), "--key", KEY, *words], input=text,
                          stdout=subprocess.PIPE, check=True).stdout


def make_corpus(folder):
    lines = []
    for name, ip, helo, sender, recipient, signed in MAILS:
        with open(os.path.join(folder, name + ".eml"), "wb") as file:
            file.write(sign("--domain", "bank.example", "--selector", "s", text=TEXT)
                       if signed else TEXT)
        lines.append("\t".join((name, ip, helo, sender, recipient, name + ".eml")) + "\n")
    with open(os.path.join(folder, "list.tsv"), "w", encoding="ascii") as file:
        file.writelines(lines)
    with open(os.path.join(folder, "zone"), "w", encoding="ascii") as file:
        file.write("\n".join(["$ORIGIN bank.example.", txt("@", "v=spf1 ip4:192.0.2.7 -all"),
                              txt("_dmarc", "v=DMARC1; p=reject"),
                              txt("s._domainkey", sign("--record").decode().strip()), ""]))


def run(*words, env=None, program=PROGRAM):
    return subprocess.run([program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False, env=env)


def checked(folder, mail):
    name, ip, helo, sender, recipient, _ = mail
    """By what is built in, as bench does without a snapshot."""
    done = run("check", os.path.join(folder, name + ".eml"), "--json", "--ip", ip, "--helo", helo,
               "--from", sender, "--rcpt", recipient, "--zone", os.path.join(folder, "zone"),
               env={**os.environ, "MOONSCAN_SNAPSHOT": os.path.join(folder, "none")})
    if done.returncode:
        raise Failed("check: " + done.stderr)
    result = json.loads(done.stdout)
    return (result["spf"]["result"], [s["result"] for s in result["dkim"]], result["dmarc"]["result"],
            result["arc"]["result"], result["dns"]["questions"], result["dns"]["rounds"])


@suite.case()
def each_message_of_each_pass_has_the_results_of_check(_):
    with tempfile.TemporaryDirectory() as folder:
        make_corpus(folder)
        done = run("bench", "--jobs", "2", "--repeat", "3", "--zone", os.path.join(folder, "zone"),
                   folder)
        want((done.returncode, done.stderr), (0, ""), "status and errors")
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        want(rows.pop()["summary"]["n"], 9, "messages of the summary")
        wanted = {mail[0]: checked(folder, mail) for mail in MAILS}
        want(sorted(row["id"] for row in rows), sorted(3 * list(wanted)), "messages")
        want(len(set(map(str, wanted.values()))), 3,
             "different results")
        for row in rows:
            got = (row["spf"], [s["result"] for s in row["dkim"]], row["dmarc"], row["arc"],
                   row["questions"], row["rounds"])
            want(got, wanted[row["id"]], row["id"])
            want(row["us"] > 0, True, "its time")


@suite.case()
def both_programs_unwrap_the_keys_of_libopendkim_by_hand(_):
    """The shared library's call and the archive's: the linker brings both to engine/auth/sig_pkey.c."""
    for program in (PROGRAM, STATIC):
        if not os.path.exists(program):
            raise Failed("no %s: `make %s` first" % (program, os.path.relpath(program, TREE)))
        with tempfile.TemporaryDirectory() as folder:
            make_corpus(folder)
            done = run("bench", "--repeat", "2", "--zone", os.path.join(folder, "zone"), folder,
                       program=program)
            want((done.returncode, done.stderr), (0, ""), "status and errors of " + program)
            summary = json.loads(done.stdout.splitlines()[-1])["summary"]
            want([summary["keys_" + word] for word in ("made", "unwrapped", "decoded")], [1, 4, 0],
                 "keys made, unwrapped, decoded by " + program)


@suite.case()
def both_programs_verify_signatures_of_each_algorithm(_):
    """The statically linked one has only a part of OpenSSL (engine/cmd/few.c and absent.c)."""
    signed = {"rsa": ["--key", KEY], "ed": ["--key", KEY.replace("rsa2048", "ed25519")]}
    for program in (PROGRAM, STATIC):
        with tempfile.TemporaryDirectory() as folder:
            zone = ["$ORIGIN bank.example."]
            text = TEXT
            for selector, key in signed.items():
                zone.append(txt(selector + "._domainkey", sign(*key, "--record").decode().strip()))
                text = sign(*key, "--domain", "bank.example", "--selector", selector, text=text)
            text = subprocess.run([os.path.join(BUILD, "tests/seal"), "--instance", "1", "--domain",
                                   "bank.example", "--selector", "rsa", *signed["rsa"]],
                                  input=text, stdout=subprocess.PIPE, check=True).stdout
            for name, content in (("zone", "\n".join([*zone, ""]).encode()), ("a.eml", text)):
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(content)
            done = run("check", os.path.join(folder, "a.eml"), "--json", "--ip", "192.0.2.7",
                       "--helo", "mx.bank.example", "--from", "al@bank.example", "--zone",
                       os.path.join(folder, "zone"), program=program,
                       env={**os.environ, "MOONSCAN_SNAPSHOT": os.path.join(folder, "none")})
            want((done.returncode, done.stderr), (0, ""), "status and errors of " + program)
            result = json.loads(done.stdout)
            want([(s["algorithm"], s["result"]) for s in result["dkim"]],
                 [("ed25519-sha256", "pass"), ("rsa-sha256", "pass")], "signatures, " + program)
            want(result["arc"]["result"], "pass", "ARC, " + program)


@suite.case()
def a_corpus_that_cannot_be_read_is_named(_):
    with tempfile.TemporaryDirectory() as folder:
        done = run("bench", folder)
        want(done.returncode, 2, "status")
        want_in("list.tsv: No such file", done.stderr, "what it says")
        with open(os.path.join(folder, "list.tsv"), "w", encoding="ascii") as file:
            file.write("a\tnowhere\tx\n")
        done = run("bench", folder)
        want(done.returncode, 2, "status")
        want_in("line 1 is not: id, address", done.stderr, "what it says")


if __name__ == "__main__":
    sys.exit(suite.main())
