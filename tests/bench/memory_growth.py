#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Does a worker's memory grow? One worker gets message after message, as in an SMTP connection that
never ends: signed, forwarded with ARC, spoofed, broken, and hostile ones of every kind that costs
memory; with one tenant, and with 1,000 that each have a policy and a list. Its private dirty memory
is looked at after each round of the corpus, so always behind the same ordinary message. DNS is a
server on loopback, counts are in SQLite, the log is a file.

Prints TAP: below 12 MB with one tenant, below 24 MB with 1,000, and in the second half of the messages
no more than in the first.
"""

import argparse
import os
import subprocess
import sys
import time

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TREE, "tests/support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import names  # noqa: E402
import tenants_cost as tenants_files  # noqa: E402
from lab import BUILD, Lab  # noqa: E402

KEYS = os.path.join(TREE, "tests/support/keys")
MESSAGES = 100000
SHOWN = (1000, 10000, 50000)
ONE_TENANT_KB, MANY_TENANTS_KB = 12 * 1024, 24 * 1024
GROWTH_KB = 256  # pages that malloc has given back or not by the time somebody looks
HEAD = "From: Ann <ann@d%d.example>\nTo: joe@t0.example\nSubject: News %d\nMessage-ID: <%d@d.example>\n"
LINE = "A line of text as mail has it, more than once.\n"
DOMAINS = 12
# Counts, and what the engine counts for every policy that reads it, before each tenant's policy.
SITE = """-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"
local policy = {}
function policy.locked(m)
  local seen = moon.count { key = "from " .. (m.from.domain or ""), window = "1h" }
  if m.header("X-Big") and (seen or 0) < 0 then return moon.reject {} end
end
return policy
"""
CONFIG = {"limits.policy_ms": 30000, "store_timeout_ms": 1000}


def tool(name, message, *options):
    return subprocess.run([os.path.join(BUILD, "tests", name), *options], input=message,
                          stdout=subprocess.PIPE, check=True).stdout.replace(b"\r\n", b"\n")


def crlf(message):
    return message.encode().replace(b"\n", b"\r\n")


def signed(number, message, key="rsa2048.pem", selector="rsa", *options):
    return tool("sign", crlf(message) if isinstance(message, str) else message, "--domain",
                "d%d.example" % number, "--selector", selector, "--key", os.path.join(KEYS, key),
                "--canon", "relaxed/relaxed", *options)


def sealed(message, instance, number, cv):
    return tool("seal", message.replace(b"\n", b"\r\n"), "--instance", str(instance), "--domain",
                "d%d.example" % number, "--selector", "rsa", "--key",
                os.path.join(KEYS, "rsa2048.pem"), "--cv", cv)


def plain(number, lines):
    return HEAD % (number, number, number) + "\n" + LINE * lines


def good():
    """Of senders with their records in order: bare, signed by either algorithm, through lists."""
    for i in range(DOMAINS):
        text = plain(i, 20 + 400 * (i % 4))
        yield "signed%d" % i, i, signed(i, text)
        yield "ed%d" % i, i, signed(i, text, "ed25519.pem", "ed")
        yield "bare%d" % i, i, text.encode()
        listed = sealed(signed(i, text) + b"-- \nA footer of the list.\n", 1, (i + 1) % DOMAINS, "none")
        yield "list%d" % i, i, listed
        yield "lists%d" % i, i, sealed(listed, 2, (i + 2) % DOMAINS, "pass")


def bad():
    """Spoofed and broken."""
    for i in range(DOMAINS):
        text = plain(i, 30)
        yield "spoofed%d" % i, 66, text.encode()
        yield "broken%d" % i, i, signed(i, text).replace(b"A line", b"Another line", 1)
        yield "foreign%d" % i, 66, signed((i + 1) % DOMAINS, text)


def hostile():
    """What costs the most memory, kind by kind."""
    text = plain(0, 10)
    one = signed(0, text)
    field = one[:len(one) - len(text.encode())]
    kinds = {
        "megabyte": "".join("X-Big: %s\n" % ("x" * 900) for _ in range(1100)) + text,
        "one_field": "X-Big: " + "x\n\t" * 200000 + "\n" + text,
        "fields": "X: y\n" * 50000 + text,
        "signatures": field * 1000 + one,
        "domains": b"".join(field.replace(b"d0.", b"h%d." % i) for i in range(300)) + one,
        "authors": "From: " + "a@d0.example,\n " * 20000 + "b@d0.example\n" + text,
        "comments": "From: " + "(" * 50000 + "a@d0.example\n" + text,
        "received": "Received: from a (b [192.0.2.1]) by c; Sat, 21 Nov 2026 12:00:00 +0000\n" * 3000
                    + text,
        "results": "Authentication-Results: mx.lab.test; spf=pass\n" * 10000 + text,
        "arc": "".join("ARC-Seal: i=%d; a=rsa-sha256; cv=pass; d=d0.example; s=rsa; b=AAAA\n"
                       "ARC-Message-Signature: i=%d; a=rsa-sha256; d=d0.example; s=rsa; h=from; "
                       "bh=AAAA; b=AAAA\nARC-Authentication-Results: i=%d; d0.example; spf=pass\n"
                       % (i, i, i) for i in range(50, 0, -1)) + text,
        "long_lines": text + "x" * 3000000,
        "no_header": "\n" + LINE,
        "recipients": "To: " + "joe@t0.example,\n " * 30000 + "x@t0.example\n" + text,
    }
    for name, message in kinds.items():
        yield name, 0, message if isinstance(message, bytes) else message.encode()
    for name in ("bomb", "huge", "loop"):
        yield name, 0, text.replace("d0.example", name + ".example", 1).encode()
    folder = os.path.join(TREE, "tests/fuzz/corpus/message")
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            yield "fuzz_" + name, 66, file.read().replace(b"\r\n", b"\n")


def zone():
    def key(name):
        return subprocess.run([os.path.join(BUILD, "tests/sign"), "--key", os.path.join(KEYS, name),
                               "--record"], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    rsa, ed = key("rsa2048.pem"), key("ed25519.pem")
    lines = []
    for i in range(DOMAINS):
        lines += ["$ORIGIN d%d.example" % i, names.txt("@", "v=spf1 ip4:127.0.9.%d a mx -all" % i),
                  names.txt("_dmarc", "v=DMARC1; p=%s" % ("none", "quarantine", "reject")[i % 3]),
                  names.txt("rsa._domainkey", rsa), names.txt("ed._domainkey", ed), "@ MX 10 @"]
    lines += ["$ORIGIN bomb.example",
              names.txt("@", "v=spf1 " + " ".join("include:%d.bomb.example" % i for i in range(10))),
              names.txt("*", "v=spf1 " + " ".join("include:%%{d1r}%d.bomb.example" % i for i in range(10))),
              "$ORIGIN huge.example", names.txt("@", "v=spf1 exp=" + "x" * 20000),
              names.txt("_dmarc", "v=DMARC1; p=reject; n=" + "x" * 20000),
              "$ORIGIN loop.example", "@ A 192.0.2.1", "_dmarc CNAME _dmarc.loop.example."]
    return "\n".join(lines)


class Host(Lab):
    """A lab without Exim: name server, program, published configuration, corpus."""

    def copy_exim(self):
        pass

    def configure_exim(self):
        pass

    def start_exim(self):
        pass

    def configure_moonscan(self):
        self.config["dns.servers"] = ["127.0.0.1:%d" % self.nsd_port]
        super().configure_moonscan()

    def write_corpus(self):
        """Nine in ten are what mail is like; each hostile one comes once in a round."""
        parts = [list(good()), list(bad()), list(hostile())]
        for part in parts:
            for name, _, message in part:
                with open(self.path("docs/" + name), "wb") as file:
                    file.write(message)
        calm = (parts[0] * 3 + parts[1] * 2) * 2
        between = len(calm) // len(parts[2])
        rows = []
        for i, (name, host, _) in enumerate(calm):
            if i % between == 0 and parts[2]:
                rows.append(parts[2].pop())
            rows.append((name, host, None))
        rows.append(parts[0][0])  # who looks at the worker sees it behind an ordinary message
        self.write("docs/list.tsv", "".join(
            "%s\t127.0.9.%d\tout.d%d.example\tann@d%d.example\tjoe@t0.example\t%s\n"
            % (name, host, host % DOMAINS, host % DOMAINS, name) for name, host, _ in rows))
        return len(rows)


def host_of(tenants):
    files = {"site.lua": SITE}
    for i in range(tenants):
        folder = "tenants/t%d/" % i
        files[folder + "policy.lua"] = tenants_files.POLICY.format(
            name="t%d" % i, lists=tenants_files.USES_LIST, match=tenants_files.MATCH,
            reason='"tenant %d"' % i)
        files[folder + "lists/forwarders.lua"] = tenants_files.LIST.format(i=i)
    return Host(zones=zone(), tenants={"t%d" % i: ["t%d.example" % i] for i in range(tenants)},
                files=files, config=CONFIG)


def memory_kb(pid):
    """Private dirty memory. Nobody but root may read that of a worker, which is not dumpable; its
    anonymous memory, which everybody may, is the same but for a few pages."""
    for path, label in (("smaps_rollup", "Private_Dirty:"), ("status", "RssAnon:")):
        try:
            with open("/proc/%d/%s" % (pid, path), encoding="ascii") as file:
                for line in file:
                    if line.startswith(label):
                        return int(line.split()[1])
        except PermissionError:
            pass
    raise SystemExit("the memory of process %d cannot be read" % pid)


def settled_kb(pid):
    """When the worker has written its record and waits: five looks that agree."""
    looks = []
    while len(looks) < 5 or len(set(looks[-5:])) > 1:
        time.sleep(0.02)
        looks.append(memory_kb(pid))
        if len(looks) > 500:
            raise SystemExit("the worker's memory does not settle: %r" % looks[-5:])
    return looks[-1]


def measure(tenants, messages):
    """[(messages, KB)] after each round, and what is wrong with the run itself."""
    with host_of(tenants) as host:
        rows = host.write_corpus()
        counts = [rows * (i + 1) for i in range(-(-messages // rows))]
        shown = [next((n for n in counts if n >= least), 0) for least in SHOWN] + [counts[-1]]
        feed = host.as_user([os.path.join(BUILD, "tests/feed"), "--program", host.program, "--snapshot",
                             host.path("state/current"), "--log", host.decisions, "--tenants",
                             str(tenants), host.path("docs"), *map(str, counts)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        host.started.append(feed)
        table, pids = [], set()
        for line in feed.stdout:
            count, pid, accepted, refused, failed = map(int, line.split())
            pids.add(pid)
            table.append((count, settled_kb(pid)))
            if count in shown:
                print("# %5d tenants  %7d messages  %6d KB   (%d accepted, %d refused)"
                      % (tenants, count, table[-1][1], accepted, refused), flush=True)
            feed.stdin.write("\n")
            feed.stdin.flush()
        status = feed.wait()
        wrong = [] if status == 0 and len(table) == len(counts) else ["status %d" % status]
        wrong += ["%d workers" % len(pids)] if len(pids) != 1 else []
        wrong += ["%d messages were not evaluated" % failed] if failed else []
        return table, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--tenants", default="1,1000")
    options = parser.parse_args()
    sizes = [int(n) for n in options.tenants.split(",")]
    number = failures = 0
    print("1..%d" % (3 * len(sizes)))
    for tenants in sizes:
        table, wrong = measure(tenants, options.messages)
        looks = [kb for _, kb in table]
        half = len(looks) // 2
        first, second = max(looks[:half], default=0), max(looks[half:], default=0)
        most, bound = max(first, second), ONE_TENANT_KB if tenants == 1 else MANY_TENANTS_KB
        for good_, name in (
                (not wrong, "one worker has evaluated them all, %d tenants%s"
                 % (tenants, "".join(": " + w for w in wrong))),
                (0 < most <= bound, "%d KB at most, of %d, with %d tenants" % (most, bound, tenants)),
                (0 < second <= first + GROWTH_KB,
                 "%d KB at most in the first half, %d in the second, with %d tenants"
                 % (first, second, tenants))):
            number += 1
            failures += not good_
            print("%sok %d - %s" % ("" if good_ else "not ", number, name), flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
