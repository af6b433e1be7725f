#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The public SPF suite once more, case by case through `moonscan check --json` on files: the command
line and the engine must not differ. spf_suite.py tells where the suite is. Prints TAP.
"""
import json
import os
import subprocess
import sys
import tempfile

from spf_suite import ROOT, SKIP, find_suite, verdict_of, zone_text

MESSAGE = b"From: author@elsewhere.test\r\nSubject: a case\r\n\r\nHello.\r\n"


def evaluate(program, folder, case):
    """(result, explanation, reason), or a text that says what went wrong."""
    command = [program, "check", os.path.join(folder, "mail.eml"), "--json", "--zone",
               os.path.join(folder, "zone"), "--ip", str(case["host"]),
               "--helo", str(case.get("helo") or ""), "--from", case["mailfrom"] or "",
               "--rcpt", "a@receiver.example"]
    environment = dict(os.environ, MOONSCAN_SNAPSHOT=os.path.join(folder, "none"))
    done = subprocess.run([word.encode() for word in command], capture_output=True,
                          env=environment, timeout=60, check=False)
    if done.returncode != 0:
        return "exit status %d: %s" % (done.returncode, done.stderr.decode(errors="replace"))
    spf = json.loads(done.stdout)["spf"]
    return spf["result"], spf.get("explanation", ""), spf.get("reason", "")


def main():
    path = find_suite()
    if not path:
        print(SKIP)
        return 0
    try:
        import yaml
    except ImportError:
        print("1..0 # SKIP python3-yaml is not installed")
        return 0
    program = os.path.join(ROOT, os.environ.get("BUILD", "build"), "moonscan")
    with open(path, encoding="utf-8") as stream:
        scenarios = [one for one in yaml.safe_load_all(stream) if one]
    count = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "mail.eml"), "wb") as mail:
            mail.write(MESSAGE)
        for scenario in scenarios:
            with open(os.path.join(folder, "zone"), "w", encoding="ascii") as zone:
                zone.write(zone_text(scenario["zonedata"]))
            for name, case in scenario["tests"].items():
                answer = evaluate(program, folder, case)
                problem = answer if isinstance(answer, str) else \
                    verdict_of(case, answer, "DEFAULT")
                count += 1
                failed += problem is not None
                print(f"{'not ok' if problem else 'ok'} {count} - "
                      f"{scenario['description']}: {name}")
                if problem:
                    print(f"# {problem}")
    print(f"1..{count}")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
