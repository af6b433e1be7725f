#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The public SPF suite (rfc7208-tests.yml), case by case through build/tests/spf_case.

The suite is not part of this tree: MOON_SUITES names its folder, or it lies in ../shared/suites
beside the checkout. Each scenario's zonedata becomes a zone text of ours; records of type SPF stand
for TXT when a name has no TXT of its own, as the suite's own text asks. Prints TAP.
"""
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIP = "1..0 # SKIP public SPF suite not found, set MOON_SUITES"


def find_suite():
    folder = os.environ.get("MOON_SUITES") or os.path.join(ROOT, "..", "shared", "suites")
    path = os.path.join(folder, "rfc7208-tests.yml")
    return path if os.path.exists(path) else None


def escape_name(name):
    """A name in master-file form, with a final dot. The suite's names are text with dots."""
    out = []
    for byte in str(name).encode("utf-8", "surrogateescape"):
        char = chr(byte)
        out.append(char if char.isalnum() and byte < 128 or char in "-_." else "\\%03d" % byte)
    return "".join(out).rstrip(".") + "."


def quote(text):
    """One or more character-strings; the suite writes bytes as code points up to 255."""
    data = text.encode("latin-1") if isinstance(text, str) else bytes(text)
    chunks = [data[i:i + 255] for i in range(0, len(data), 255)] or [b""]
    return " ".join(
        '"' + "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\' else "\\%03d" % b
                      for b in chunk) + '"' for chunk in chunks)


def quote_all(value):
    parts = value if isinstance(value, list) else [value]
    return " ".join(quote(str(part)) for part in parts) or '""'


def zone_lines(name, records):
    """The lines of one name. A bare TIMEOUT means: every type that is not listed."""
    owner = escape_name(name)
    listed = [(kind, value) for record in records if isinstance(record, dict)
              for kind, value in record.items()]
    has_txt = any(kind == "TXT" for kind, _ in listed)
    lines, kinds = [], set()
    for kind, value in listed:
        if kind == "SPF":
            if has_txt:
                continue
            kind = "TXT"
        if value == "NONE":
            continue
        kinds.add(kind)
        if value == "TIMEOUT":
            lines.append(f"{owner} {kind} TIMEOUT")
        elif kind == "TXT":
            lines.append(f"{owner} TXT {quote_all(value)}")
        elif kind == "MX":
            lines.append(f"{owner} MX {value[0]} {escape_name(value[1])}")
        elif kind in ("PTR", "CNAME"):
            lines.append(f"{owner} {kind} {escape_name(value)}")
        elif kind in ("A", "AAAA"):
            lines.append(f"{owner} {kind} {value}")
        else:
            raise ValueError(f"{name}: unknown type {kind}")
    if "TIMEOUT" in records:
        for kind in ("A", "AAAA", "TXT", "MX", "PTR"):
            if kind not in kinds:
                lines.append(f"{owner} {kind} TIMEOUT")
    return lines


def zone_text(zonedata):
    return "".join(line + "\n" for name, records in zonedata.items()
                   for line in zone_lines(name, records or []))


def verdict_of(case, fields, default):
    """None when the answer is one of those the suite accepts, else what is wrong."""
    want = case["result"] if isinstance(case["result"], list) else [case["result"]]
    if fields[0] not in want:
        return f"got {fields[0]}, want {' or '.join(want)} ({fields[-1]})"
    if "explanation" in case and fields[0] == "fail":
        text = fields[1] or default
        if text != case["explanation"]:
            return f"explanation: got {text!r}, want {case['explanation']!r}"
    return None


def run_scenario(program, scenario):
    """Yields (name, problem or None)."""
    with tempfile.NamedTemporaryFile("w", suffix=".zone") as zone:
        zone.write(zone_text(scenario["zonedata"]))
        zone.flush()
        names = list(scenario["tests"])
        lines = []
        for name in names:
            case = scenario["tests"][name]
            sender = case["mailfrom"] or ""
            lines.append("\t".join((str(case["host"]), str(case.get("helo") or ""), sender)) + "\n")
        done = subprocess.run([program, zone.name], input="".join(lines).encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
        answers = done.stdout.decode("latin-1").split("\n")[:-1]
        for index, name in enumerate(names):
            if index >= len(answers):
                yield name, "no answer: " + done.stderr.decode("latin-1").strip()[-200:]
                continue
            yield name, verdict_of(scenario["tests"][name], answers[index].split("\t"), "DEFAULT")


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
    program = os.path.join(ROOT, os.environ.get("BUILD", "build"), "tests", "spf_case")
    with open(path, encoding="utf-8") as stream:
        scenarios = [one for one in yaml.safe_load_all(stream) if one]
    count = failed = 0
    for scenario in scenarios:
        for name, problem in run_scenario(program, scenario):
            count += 1
            failed += problem is not None
            print(f"{'not ok' if problem else 'ok'} {count} - {scenario['description']}: {name}")
            if problem:
                print(f"# {problem}")
    print(f"1..{count}")
    print(f"# {count - failed}/{count} as the suite wants")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
