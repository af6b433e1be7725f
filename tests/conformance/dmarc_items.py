#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The DMARC rules of dmarc.tsv, row by row through `moonscan check --json` on files. Prints TAP.

Columns: item, section, rule, zone, make, want. An item is a rule of RFC 9989 for receivers; its rows
are the cases of it.

zone: lines separated by ` / `; `NAME VALUE` is the DMARC record `_dmarc.NAME TXT "VALUE"` when VALUE
  begins with v=, any other line is one of a zone file without final dots. ` + ` in VALUE separates
  character-strings.
make: words of name=value, quoted as in a shell.
    from          the author's address; head: the whole header instead
    spf, helo     MAIL FROM is a@ that domain, which passes SPF; the null sender with this HELO name
    mail          MAIL FROM, without anything in DNS
    sign          a DKIM signature of that domain; may be repeated. badsign: one that fails
    policy        a policy file; discovery, compare: settings
want: path=value or path~part. Paths begin at "dmarc" or, with a leading dot, at the document; `page~part`
  looks at what is printed without --json. `-`: not there.
"""
import json
import os
import shlex
import subprocess
import sys
import tempfile

from dkim_rows import HERE, ROOT, Programs, look_up, quoted, unescape

COLUMNS = ("item", "section", "rule", "zone", "make", "want")
KEY = "ed25519"


def read(path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            cells = line.rstrip("\n").split("\t")
            if line.startswith("#") or not line.strip():
                continue
            if len(cells) != len(COLUMNS):
                raise ValueError("%s:%d: %d columns" % (path, number, len(cells)))
            yield dict(zip(COLUMNS, cells))


def zone_line(line):
    name, _, rest = line.strip().partition(" ")
    if rest.startswith("v="):
        texts = [quoted(unescape(part)) for part in rest.split(" + ")]
        return "_dmarc.%s. TXT %s\n" % (name, " ".join(texts))
    return "%s. %s\n" % (name, rest)


class Lab:
    def __init__(self, folder):
        self.folder = folder
        self.programs = Programs()
        self.snapshots = {}
        self.record = quoted(self.programs.record(KEY).encode())

    def snapshot(self, settings):
        """Of a configuration with these settings, published as a user does it."""
        text = "return { dmarc = { %s } }\n" % ", ".join(
            '%s = "%s"' % pair for pair in sorted(settings.items()))
        if text not in self.snapshots:
            home = os.path.join(self.folder, str(len(self.snapshots)))
            os.makedirs(os.path.join(home, "state"))
            with open(os.path.join(home, "moonscan.lua"), "w", encoding="ascii") as file:
                file.write(text)
            subprocess.run([self.programs.moonscan, "publish", "--config-dir", home, "--state-dir",
                            os.path.join(home, "state")], check=True, capture_output=True)
            self.snapshots[text] = os.path.join(home, "state", "current")
        return self.snapshots[text]

    def message(self, words, zone):
        head = dict(words).get("head", "From: %s\\r\\nSubject: A test\\r\\n" % dict(words).get("from"))
        message = unescape(head) + b"\r\nHello.\r\n"
        for name, domain in words:
            if name not in ("sign", "badsign"):
                continue
            message = self.programs.sign(message, [("key", KEY), ("domain", domain),
                                                   ("canon", "relaxed/relaxed")])
            if name == "badsign":
                message = message.replace(b"c=relaxed/", b"c=simple/", 1)
            zone.append("s._domainkey.%s. TXT %s\n" % (domain, self.record))
        return message

    def run(self, row):
        """(document, page), or a text that says what went wrong."""
        words = [tuple(word.split("=", 1)) for word in shlex.split(row["make"])]
        given = dict(words)
        zone = [zone_line(line) for line in row["zone"].split(" / ") if line.strip() != "-"]
        sender = given.get("mail", "bounce@elsewhere.test")
        if "spf" in given:
            sender = "a@" + given["spf"]
            zone.append('%s. TXT "v=spf1 ip4:192.0.2.7 -all"\n' % given["spf"])
        if "helo" in given:
            sender = ""
            zone.append('%s. TXT "v=spf1 ip4:192.0.2.7 -all"\n' % given["helo"])
        message = self.message(words, zone)
        paths = [os.path.join(self.folder, name) for name in ("mail.eml", "zone")]
        with open(paths[0], "wb") as file:
            file.write(message)
        with open(paths[1], "w", encoding="ascii") as file:
            file.write("".join(dict.fromkeys(zone)))
        settings = {key: given[key] for key in ("discovery", "compare") if key in given}
        command = [self.programs.moonscan, "check", paths[0], "--zone", paths[1], "--ip", "192.0.2.7",
                   "--helo", given.get("helo", "client.elsewhere.test"), "--from", sender,
                   "--rcpt", "a@receiver.example", "--receiver", "mx.receiver.example"]
        if "policy" in given:
            command += ["--policy", os.path.join(ROOT, "policies", given["policy"] + ".lua")]
        if settings:
            command += ["--snapshot", self.snapshot(settings)]
        environment = dict(os.environ, MOONSCAN_SNAPSHOT=os.path.join(self.folder, "none"))
        outputs = []
        for extra in (["--json"], []):
            done = subprocess.run(command + extra, capture_output=True, env=environment, timeout=60,
                                  check=False)
            if done.returncode != 0:
                return "exit status %d: %s" % (done.returncode, done.stderr.decode())
            outputs.append(done.stdout.decode())
        return json.loads(outputs[0]), outputs[1]


def differences(document, page, want):
    for word in shlex.split(want):
        at = min(i for i in (word.find("="), word.find("~")) if i > 0)
        path, sign, value = word[:at], word[at], word[at + 1:]
        if path == "page":
            got = page
        elif path.startswith("."):
            got = look_up(document, path[1:])
        else:
            got = look_up(document["dmarc"], path)
        if got != value if sign == "=" else value not in got:
            yield "%s: got %s, want %s" % (path, got, value)


def main():
    rows = list(read(os.path.join(HERE, "dmarc.tsv")))
    items = sorted({int(row["item"]) for row in rows})
    missing = [n for n in range(1, 33) if n not in items + [31]]
    failed = 0
    print("1..%d" % (len(rows) + 1))
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(folder)
        for number, row in enumerate(rows, 1):
            answer = lab.run(row)
            wrong = [answer] if isinstance(answer, str) else \
                list(differences(answer[0], answer[1], row["want"]))
            failed += bool(wrong)
            print("%sok %d - item %s: %s (%s)" % ("not " if wrong else "", number, row["item"],
                                                  row["rule"], row["section"]))
            for line in wrong:
                print("# " + line)
    print("%sok %d - every item but 31, reports, has a row" % ("not " if missing else "",
                                                            len(rows) + 1))
    if missing:
        print("# without: %s" % missing)
    return 1 if failed or missing else 0


if __name__ == "__main__":
    sys.exit(main())
