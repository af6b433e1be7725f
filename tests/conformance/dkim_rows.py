#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The DKIM rules of dkim.tsv, row by row through `moonscan check --json` on files. Prints TAP.

Columns: name, rule, section, make, key, want, deviation.

make: words of name=value, quoted as in a shell; \\r, \\n, \\t, \\\\ and \\xHH stand for bytes.
    head, body    of the message (defaults below)
    key           a test key's name (default rsa2048)
    edit          old=>new, in the signed message; top, end: text put there; all may be repeated
    clock         the time of reception in seconds
    others        options of build/tests/sign; tag may be repeated
  The word `then` begins the next signature, above the first.
key: the record at s._domainkey.example.com, `{record}`, `{p}` and `{pkcs1}` stand for the key's; several
  are separated by ` || `; `-`: none; `TIMEOUT`; `zone`: lines of a zone file follow, separated by ` / `, with
  KEY for the record. In both columns {200}, {1100}, {5000} and {3000000} stand for so many x.
want: a result for each signature from the top, then path=value or path~part, under "dkim".
deviation: empty, or how the row's result differs from the RFC, and why.
"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
KEYS = os.path.join(ROOT, "tests", "support", "keys")
COLUMNS = ("name", "rule", "section", "make", "key", "want", "deviation")
HEAD = "From: Author <author@example.com>\r\nTo: reader@example.net\r\nSubject: A test\r\n"
BODY = "Hello, reader.\r\n"
CLOCK = "1700000000"
OWN = {"head", "body", "key", "edit", "top", "end", "clock"}
RESULTS = {"none", "pass", "fail", "neutral", "policy", "temperror", "permerror"}


def unescape(text):
    """Bytes; \\r and so on are what they stand for."""
    text = re.sub(r"\{([0-9]+)\}", lambda m: "x" * int(m[1]), text)
    simple = {"r": "\r", "n": "\n", "t": "\t", "\\": "\\", "0": "\0"}
    out = re.sub(r"\\(x[0-9a-f]{2}|.)",
                 lambda m: chr(int(m[1][1:], 16)) if len(m[1]) == 3 else simple[m[1]],
                 text.encode().decode("latin-1"))
    return out.encode("latin-1")


def read(path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            cells = line.split("\t")
            if len(cells) not in (len(COLUMNS) - 1, len(COLUMNS)):
                raise ValueError("%s:%d: %d columns" % (path, number, len(cells)))
            yield dict(zip(COLUMNS, cells + [""]))


def pairs(text):
    """Lists of (name, value), one for each signature."""
    out = [[]]
    for word in shlex.split(text):
        if word == "then":
            out.append([])
        else:
            name, _, value = word.partition("=")
            out[-1].append((name, value))
    return out


class Programs:
    def __init__(self):
        build = os.path.join(ROOT, os.environ.get("BUILD", "build"))
        self.moonscan = os.path.join(build, "moonscan")
        self.sign_program = os.path.join(build, "tests", "sign")

    def record(self, key, pkcs1=False):
        command = [self.sign_program, "--key", os.path.join(KEYS, key + ".pem"), "--record"]
        done = subprocess.run(command + ["--pkcs1"] * pkcs1, check=True, capture_output=True)
        return done.stdout.decode().strip()

    def sign(self, message, options):
        given = {name: value for name, value in options if name != "tag"}
        command = [self.sign_program, "--key",
                   os.path.join(KEYS, given.get("key", "rsa2048") + ".pem")]
        for name, default in (("domain", "example.com"), ("selector", "s")):
            given.setdefault(name, default)
        for name, value in list(given.items()) + [o for o in options if o[0] == "tag"]:
            if name not in OWN:
                command += [b"--" + name.encode(), unescape(value)]
        return subprocess.run(command, input=message, check=True, capture_output=True).stdout

    def message(self, signatures):
        first = dict(signatures[0])
        message = unescape(first.get("head", HEAD)) + b"\r\n" + unescape(first.get("body", BODY))
        for options in signatures:
            if "nothing" not in dict(options):
                message = self.sign(message, options)
            for name, value in options:
                if name == "edit":
                    old, new = (unescape(part) for part in value.split("=>", 1))
                    if old not in message:
                        raise ValueError("nothing to edit: %r" % old)
                    message = message.replace(old, new, 1)
                elif name == "top":
                    message = unescape(value) + message
                elif name == "end":
                    message += unescape(value)
        return message

    def zone(self, text, signatures):
        key = dict(signatures[0]).get("key", "rsa2048")
        name = "s._domainkey.example.com."
        text = text.replace("{record}", self.record(key))
        text = text.replace("{p}", self.record(key).split("p=")[1])
        if "{pkcs1}" in text:
            text = text.replace("{pkcs1}", self.record(key, True).split("p=")[1])
        if text.startswith("zone "):
            record = quoted(self.record(key).encode())
            return text[5:].replace(" / ", "\n").replace("KEY", record) + "\n"
        if text == "TIMEOUT":
            return "%s TIMEOUT\n" % name
        if text == "-":
            return "example.com. A 192.0.2.1\n"
        return "".join("%s TXT %s\n" % (name, quoted(unescape(one))) for one in text.split(" || "))

    def evaluate(self, folder, row):
        """The document, or a text that says what went wrong."""
        signatures = pairs(row["make"])
        mail, zone = os.path.join(folder, "mail.eml"), os.path.join(folder, "zone")
        with open(mail, "wb") as file:
            file.write(self.message(signatures))
        with open(zone, "w", encoding="ascii") as file:
            file.write(self.zone(row["key"], signatures))
        environment = dict(os.environ, MOONSCAN_SNAPSHOT=os.path.join(folder, "none"))
        done = subprocess.run(
            [self.moonscan, "check", mail, "--zone", zone, "--json", "--ip", "192.0.2.1",
             "--from", "", "--rcpt", "a@receiver.example",
             "--time", dict(signatures[0]).get("clock", CLOCK)],
            capture_output=True, env=environment, timeout=60, check=False)
        if done.returncode != 0:
            return "exit status %d: %s" % (done.returncode, done.stderr.decode(errors="replace"))
        return json.loads(done.stdout)


def quoted(data):
    parts = [data[i:i + 200] for i in range(0, len(data), 200)] or [b""]
    return " ".join('"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else "\\%03d" % b
                                  for b in part) + '"' for part in parts)


def look_up(document, path):
    for part in path.split("."):
        if isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        elif isinstance(document, dict) and part in document:
            document = document[part]
        else:
            return "-"
    if isinstance(document, bool):
        return str(document).lower()
    return str(document)


def differences(dkim, want):
    words = shlex.split(want)
    results = [word for word in words if word in RESULTS]
    got = [sig["result"] for sig in dkim]
    if got != results:
        yield "got %s, want %s (%s)" % (got, results, [sig.get("reason") for sig in dkim])
    for word in words:
        if word in RESULTS:
            continue
        path, sign, value = re.match(r"([a-z0-9_.]+)([=~])(.*)", word).groups()
        found = look_up(dkim, path)
        if found != value if sign == "=" else value not in found:
            yield "%s: got %s, want %s" % (path, found, value)


def main():
    programs = Programs()
    rows = list(read(os.path.join(HERE, "dkim.tsv")))
    names = [row["name"] for row in rows]
    failed = 0
    print("1..%d" % len(rows))
    for number, row in enumerate(rows, 1):
        with tempfile.TemporaryDirectory() as folder:
            document = programs.evaluate(folder, row)
        wrong = [document] if isinstance(document, str) else \
            list(differences(document.get("dkim", []), row["want"]))
        if names.count(row["name"]) > 1:
            wrong.append("two rows have this name")
        failed += bool(wrong)
        print("%sok %d - %s: %s (%s)%s" % (
            "not " if wrong else "", number, row["name"], row["rule"], row["section"],
            " (deviation: %s)" % row["deviation"] if row["deviation"] else ""))
        for line in wrong:
            print("# " + line)
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
