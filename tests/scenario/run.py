#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs scenario files through `moonscan check --json` and prints TAP.

A scenario is one message with its own zone and what must come out:

    spec: RFC 9989 section 4.10.1         what it is about (required, first)
    name: a sentence                       the case's name (required)
    ip: 192.0.2.7                          options of `moonscan check`: ip helo host from rcpt
    sign: domain=a.example selector=s key=rsa2048 [more options of build/tests/sign]
    --- zone
    a.example. TXT "v=spf1 -all"           KEY(rsa2048) stands for that test key's record
    --- message
    From: x@a.example
    ...
    --- expect
    spf.result: fail                       a path into the JSON, and its value
    dkim.0.result: pass
    dmarc.error: *                         present, whatever it is;  "-": absent

`rcpt`, `sign` and `seal` may be repeated; a line of the last signature given is on top. `seal` adds the
next ARC set, above all signatures: options of build/tests/seal, and append="text", which a sealer
puts at the end of the body first:

    seal: domain=list.example selector=s key=rsa2048 append="a footer" results="mx.list.example; dmarc=pass"
"""
import json
import os
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
KEYS = os.path.join(TREE, "tests", "support", "keys")
VALGRIND = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full"]
REPEATED = {"rcpt", "sign", "seal"}
OPTIONS = {"ip", "helo", "host", "from", "policy", "time"}


def read(path):
    """The head as a dictionary and the sections by name."""
    head, sections, current = {}, {}, None
    with open(path, encoding="utf-8", newline="") as file:
        for line in file:
            if line.startswith("--- "):
                current = sections.setdefault(line[4:].strip(), [])
            elif current is not None:
                current.append(line)
            elif line.strip():
                key, _, value = line.partition(":")
                if key in REPEATED:
                    head.setdefault(key, []).append(value.strip())
                else:
                    head[key] = value.strip()
    return head, {name: "".join(lines) for name, lines in sections.items()}


def key_file(name):
    return os.path.join(KEYS, name + ".pem")


class Programs:
    def __init__(self, build):
        self.moonscan = os.path.join(build, "moonscan")
        self.sign = os.path.join(build, "tests", "sign")
        self.seal = os.path.join(build, "tests", "seal")
        # MOON_WRAP=valgrind: the same under valgrind, whose findings are failures.
        self.wrap = VALGRIND if os.environ.get("MOON_WRAP") == "valgrind" else []

    def key_record(self, name):
        out = subprocess.run([self.sign, "--key", key_file(name), "--record"],
                             check=True, capture_output=True, text=True)
        return '"%s"' % '" "'.join(wrap(out.stdout.strip(), 200))

    def signed(self, message, how):
        words = dict(word.split("=", 1) for word in how.split() if "=" in word)
        command = [self.sign]
        for key, value in words.items():
            command += ["--" + key, key_file(value) if key == "key" else value]
        return subprocess.run(command, input=message, check=True, capture_output=True).stdout


    def sealed(self, message, instance, how):
        words = dict(word.split("=", 1) for word in shlex.split(how))
        if "append" in words:
            message += words.pop("append").encode() + b"\r\n"
        command = [self.seal, "--instance", str(instance)]
        for key, value in words.items():
            command += ["--" + key, key_file(value) if key == "key" else value]
        return subprocess.run(command, input=message, check=True, capture_output=True).stdout


def wrap(text, width):
    return [text[i:i + width] for i in range(0, len(text), width)]


def expand_keys(programs, zone):
    while "KEY(" in zone:
        start = zone.index("KEY(")
        end = zone.index(")", start)
        zone = zone[:start] + programs.key_record(zone[start + 4:end]) + zone[end + 1:]
    return zone


def look_up(document, path):
    for part in path.split("."):
        if isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        elif isinstance(document, dict) and part in document:
            document = document[part]
        else:
            return None
    return document


def as_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, (list, dict)) else str(value)


def differences(document, expect):
    for line in expect.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        path, _, want = line.partition(":")
        want = want.strip()
        value = look_up(document, path.strip())
        got = "-" if value is None else as_text(value)
        if want == "*" and value is not None:
            continue
        if got != want:
            yield "%s: got %s, want %s" % (path, got, want)


def run(programs, folder, head, sections):
    zone = os.path.join(folder, "zone")
    mail = os.path.join(folder, "mail.eml")
    message = sections["message"].replace("\r\n", "\n").replace("\n", "\r\n").encode()
    for how in head.get("sign", []):
        message = programs.signed(message, how)
    for instance, how in enumerate(head.get("seal", []), 1):
        message = programs.sealed(message, instance, how)
    with open(zone, "w", encoding="utf-8") as file:
        file.write(expand_keys(programs, sections["zone"]))
    with open(mail, "wb") as file:
        file.write(message)
    command = programs.wrap + [programs.moonscan, "check", mail, "--zone", zone, "--json", "--receiver",
               "mx.receiver.example"]
    for key in sorted(OPTIONS & head.keys()):
        command += ["--" + key, head[key]]
    for rcpt in head.get("rcpt", ["someone@receiver.example"]):
        command += ["--rcpt", rcpt]
    environment = dict(os.environ, MOONSCAN_SNAPSHOT=os.path.join(folder, "none"))
    done = subprocess.run(command, capture_output=True, cwd=TREE, env=environment, timeout=60)
    if done.returncode != 0:
        return ["exit status %d: %s" % (done.returncode, done.stderr.decode(errors="replace"))]
    return list(differences(json.loads(done.stdout), sections["expect"]))


def main():
    programs = Programs(os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build"))
    paths = sys.argv[2:] or sorted(
        os.path.join(at, name) for at, _, names in os.walk(HERE) for name in names
        if name.endswith(".scenario"))
    print("1..%d" % len(paths))
    failed = 0
    for number, path in enumerate(paths, 1):
        head, sections = read(path)
        with tempfile.TemporaryDirectory() as folder:
            wrong = ["the file lacks spec or name"] if not {"spec", "name"} <= head.keys() else \
                run(programs, folder, head, sections)
        failed += bool(wrong)
        print("%sok %d - %s (%s)" % ("not " if wrong else "", number, head.get("name"),
                                     os.path.relpath(path, HERE)))
        for line in wrong:
            print("# " + line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
