#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The public ARC suite (arc-validation-tests.yml), case by case through `moonscan check --json`.

The suite is not part of this tree: MOON_SUITES names its folder, or it lies in ../shared/suites
beside the checkout. Each scenario's txt-records become a zone, each message gets CRLF line ends.
DEVIATIONS are the cases in which we follow the RFC and not the suite; docs/rfc/questions.md says
why; such a case has to come out as written there. Prints TAP.
"""
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIP = "1..0 # SKIP public ARC suite not found, set MOON_SUITES"
# Any time after t=12345, which all signatures of the suite have.
CLOCK = "1542758400"
# RFC 6376 section 3.5: c= is simple/simple when absent. The message was signed relaxed/relaxed.
DEVIATIONS = {"ams_fields_c_na": "fail"}


def find_suite():
    folder = os.environ.get("MOON_SUITES") or os.path.join(ROOT, "..", "shared", "suites")
    path = os.path.join(folder, "arc-validation-tests.yml")
    return path if os.path.exists(path) else None


def zone_text(records):
    lines = []
    for name, text in (records or {}).items():
        parts = [text[i:i + 200] for i in range(0, len(text), 200)] or [""]
        quoted = " ".join('"' + p.replace("\\", "\\\\").replace('"', '\\"') + '"' for p in parts)
        lines.append(f"{name}. TXT {quoted}\n")
    return "".join(lines)


def evaluate(program, folder, message):
    """The "arc" object, or a text that says what went wrong."""
    mail = os.path.join(folder, "mail.eml")
    with open(mail, "wb") as file:
        file.write(message.replace("\r\n", "\n").replace("\n", "\r\n").encode())
    environment = dict(os.environ, MOONSCAN_SNAPSHOT=os.path.join(folder, "none"))
    done = subprocess.run(
        [program, "check", mail, "--zone", os.path.join(folder, "zone"), "--json",
         "--ip", "192.0.2.1", "--from", "", "--rcpt", "a@receiver.example", "--time", CLOCK],
        capture_output=True, env=environment, timeout=60, check=False)
    if done.returncode != 0:
        return "exit status %d: %s" % (done.returncode, done.stderr.decode(errors="replace"))
    return json.loads(done.stdout)["arc"]


def wanted(name, case):
    """The suite's empty word stands where it takes no answer: the chain says fail itself."""
    return DEVIATIONS.get(name) or (case["cv"] or "fail").lower()


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
    count = failed = as_suite = 0
    with tempfile.TemporaryDirectory() as folder:
        for scenario in scenarios:
            with open(os.path.join(folder, "zone"), "w", encoding="utf-8") as zone:
                zone.write(zone_text(scenario.get("txt-records")))
            for name, case in scenario["tests"].items():
                arc = evaluate(program, folder, case["message"])
                want = wanted(name, case)
                ok = isinstance(arc, dict) and arc["result"] == want and \
                    (want != "fail" or bool(arc.get("reason")))
                count += 1
                failed += not ok
                as_suite += ok and name not in DEVIATIONS
                deviation = " (deviation, see docs/rfc/questions.md)" if name in DEVIATIONS else ""
                print(f"{'ok' if ok else 'not ok'} {count} - {scenario['description']}: "
                      f"{name}{deviation}")
                if not ok:
                    print(f"# got {arc}, want {want}")
    print(f"1..{count}")
    print(f"# {as_suite}/{count} as the suite wants, {len(DEVIATIONS)} documented deviation")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
