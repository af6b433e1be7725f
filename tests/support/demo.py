#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""demo: mail by SMTP through a real Exim with Moonscan, against a real name server; one table row
for each message: what was sent, what Exim answered, where the message is, why. Each row is checked
against what is expected; the exit status is 1 when one differs."""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import lab as laboratory  # noqa: E402
from names import txt  # noqa: E402
from smtp import crlf  # noqa: E402

KEYS = os.path.join(laboratory.TREE, "tests/support/keys")
SIGN = os.path.join(laboratory.BUILD, "tests/sign")
BANK, SHOP, STRANGER, FORWARDER = "127.0.1.7", "127.0.1.8", "127.0.6.66", "127.0.2.25"

# A tenant's policy is tenants/NAME.lua or tenants/NAME/policy.lua; the tenant "standard" has none:
# the built-in one decides. The shipped example "alumni" trusts its forwarder for acme.example.
TENANTS = {"standard": ["standard.test"], "strict": ["strict.test"], "watch": ["watch.test"],
           "alumni": ["acme.example"], "careful": ["careful.test"], "loop": ["loop.test"]}

CONFIG = {"dns.timeout_ms": 2000}
SILENT = ["_dmarc.silent.example"]
LOOP = """-- SPDX-License-Identifier: MIT
local policy = {}
function policy.message(m)
  while m.from.domain == "bank.example" do end  -- not in the trial of `moonscan publish`
end
return policy
"""


def tree_file(path):
    with open(os.path.join(laboratory.TREE, path), encoding="utf-8") as file:
        return file.read()


def policies():
    """The configuration folder: shipped policies, and the demo's own."""
    shipped = {
        "tenants/strict.lua": "policies/strict.lua",
        "tenants/watch.lua": "policies/monitor.lua",
        "tenants/alumni/policy.lua": "tests/policy/demo/alumni/policy.lua",
        "tenants/alumni/lists/forwarders.lua": "tests/policy/demo/alumni/lists/forwarders.lua",
        "tenants/careful/policy.lua": "tests/policy/demo/careful/policy.lua",
    }
    files = {path: tree_file(source) for path, source in shipped.items()}
    files["tenants/loop.lua"] = LOOP
    return files


def key_record(key):
    return subprocess.run([SIGN, "--key", os.path.join(KEYS, key), "--record"], check=True,
                          stdout=subprocess.PIPE).stdout.decode().strip()


def zones():
    many = " ".join("include:s%d.many.example" % i for i in range(1, 12))
    return "\n".join([
        "$ORIGIN bank.example",
        txt("@", "v=spf1 ip4:%s -all" % BANK),
        txt("_dmarc", "v=DMARC1; p=reject"),
        txt("rsa._domainkey", key_record("rsa2048.pem")),
        txt("ed._domainkey", key_record("ed25519.pem")),
        "$ORIGIN shop.example",
        txt("_dmarc", "v=DMARC1; p=reject; sp=none"), "mail A %s" % SHOP,
        "$ORIGIN corp.example", txt("_dmarc", "v=DMARC1; p=none; np=reject"),
        "$ORIGIN club.example", txt("_dmarc", "v=DMARC1; p=quarantine"),
        "$ORIGIN trying.example", txt("_dmarc", "v=DMARC1; p=reject; t=y"),
        "$ORIGIN many.example", txt("@", "v=spf1 %s -all" % many),
        "".join(txt("s%d" % i, "v=spf1 ip4:127.0.9.%d -all" % i) for i in range(1, 12)),
        txt("_dmarc", "v=DMARC1; p=none"),
        "$ORIGIN silent.example", txt("@", "v=spf1 -all"), txt("_dmarc", "v=DMARC1; p=reject"),
        "$ORIGIN alumni.example", txt("@", "v=spf1 ip4:%s -all" % FORWARDER),
        txt("fwd._domainkey", key_record("rsa2048.pem")),
        txt("_dmarc", "v=DMARC1; p=none"),
    ])


class Row:
    """A message, and what shall become of it."""

    def __init__(self, sent, ip, sender, author, to, answer, where, sign=None, **facts):
        self.sent, self.ip, self.sender, self.author, self.to = sent, ip, sender, author, to
        self.answer, self.where, self.sign, self.facts = answer, where, sign, facts


ROWS = [
    Row("SPF of the author's domain", BANK, "ann@bank.example", "ann@bank.example",
        ["joe@standard.test"], "250", ["inbox standard"], spf="pass", dmarc="pass"),
    Row("DKIM rsa of the author's domain, other host", STRANGER, "x@elsewhere.example",
        "ann@bank.example", ["joe@standard.test"], "250", ["inbox standard"],
        sign=("bank.example", "rsa", "rsa2048.pem"), dkim="pass", dmarc="pass"),
    Row("DKIM ed25519 of the author's domain, other host", STRANGER, "x@elsewhere.example",
        "ann@bank.example", ["joe@standard.test"], "250", ["inbox standard"],
        sign=("bank.example", "ed", "ed25519.pem"), dkim="pass", dmarc="pass"),
    Row("subdomain under p=reject; sp=none, unaligned", STRANGER, "x@elsewhere.example",
        "news@mail.shop.example", ["joe@strict.test"], "250", ["inbox strict"], dmarc="fail",
        policy="none"),
    Row("subdomain that does not exist, np=reject", STRANGER, "x@elsewhere.example",
        "boss@nothere.corp.example", ["joe@strict.test"], "550 5.7.1", [], dmarc="fail",
        policy="reject"),
    Row("spoof of a p=reject domain, strict tenant", STRANGER, "ann@bank.example",
        "ann@bank.example", ["joe@strict.test"], "550 5.7.1", [], spf="fail", dmarc="fail",
        policy="reject"),
    Row("the same, standard tenant", STRANGER, "ann@bank.example", "ann@bank.example",
        ["joe@standard.test"], "250", ["quarantine standard"], spf="fail", dmarc="fail", policy="reject"),
    Row("spoof of a p=quarantine domain", STRANGER, "x@elsewhere.example", "al@club.example",
        ["joe@standard.test"], "250", ["quarantine standard"], dmarc="fail", policy="quarantine"),
    Row("spoof of a p=reject; t=y domain, strict tenant", STRANGER, "x@elsewhere.example",
        "al@trying.example", ["joe@strict.test"], "250", ["quarantine strict"], dmarc="fail",
        policy="quarantine"),
    Row("SPF record of more than ten lookups", STRANGER, "al@many.example", "al@many.example",
        ["joe@standard.test"], "250", ["inbox standard"], spf="permerror", dmarc="fail", policy="none"),
    Row("name server silent about the DMARC record", STRANGER, "x@elsewhere.example",
        "al@silent.example", ["joe@careful.test"], "451 4.7.0", [], dmarc="temperror"),
    Row("p=reject mail through a listed forwarder", FORWARDER, "srs0@alumni.example",
        "ann@bank.example", ["joe@acme.example"], "250", ["inbox alumni"],
        sign=("alumni.example", "fwd", "rsa2048.pem"), dkim="pass", dmarc="fail",
        override="trusted_forwarder"),
    Row("one message to two tenants, one of them strict", STRANGER, "ann@bank.example",
        "ann@bank.example", ["joe@watch.test", "bob@strict.test"], "250",
        ["inbox watch", "quarantine strict"], dmarc="fail", split=True),
    Row("tenant whose policy loops for ever", BANK, "ann@bank.example", "ann@bank.example",
        ["joe@loop.test"], "451 4.3.0", [], dmarc="pass", failure=True),
]


def compose(row, number):
    text = ("Date: Sat, 21 Nov 2026 12:00:00 +0000\nFrom: <%s>\nTo: <%s>\n"
            "Message-ID: <row-%d@demo.test>\nSubject: row %d\n\nHello from row %d.\n"
            % (row.author, row.to[0], number, number, number))
    message = crlf(text)
    if row.sign:
        domain, selector, key = row.sign
        message = subprocess.run([SIGN, "--domain", domain, "--selector", selector, "--key",
                                  os.path.join(KEYS, key), "--canon", "relaxed/relaxed"],
                                 input=message, stdout=subprocess.PIPE, check=True).stdout
    return message


def facts_of(record):
    """What a row may expect, out of its record in the decision log."""
    verdicts = record["verdicts"]
    return {
        "spf": record["spf"]["result"],
        "dkim": record["dkim"][0]["result"] if record["dkim"] else "none",
        "dmarc": record["dmarc"]["result"],
        "policy": record["dmarc"].get("policy"),
        "override": next((v["override"] for v in verdicts if "override" in v), None),
        "split": bool(record["decision"].get("split")),
        "failure": any("failure" in v for v in verdicts),
    }


def why(record):
    """The reason in a line."""
    facts = facts_of(record)
    text = "spf=%(spf)s dkim=%(dkim)s dmarc=%(dmarc)s" % facts
    if facts["policy"] and facts["dmarc"] == "fail":
        text += " policy.dmarc=%(policy)s" % facts
    if facts["override"]:
        text += " override=%(override)s" % facts
    if facts["split"]:
        text += " split"
    for verdict in record["verdicts"]:
        if "failure" in verdict:
            text += "; " + verdict["failure"]
    return text + "; " + ", ".join(sorted({v["rule"] for v in record["verdicts"] if "rule" in v}))


def differences(row, reply, where, record):
    """What is not as expected, in words."""
    found = []
    if not reply.lines[0].replace("-", " ", 1).startswith(row.answer):
        found.append("answer %r, want %s" % (reply.text, row.answer))
    if sorted(where) != sorted(row.where):
        found.append("it is in %s, want %s" % (where or "no place", row.where or "no place"))
    if record is None:
        return found + ["no record in the decision log"]
    facts = facts_of(record)
    for name, want in row.facts.items():
        if facts[name] != want:
            found.append("%s is %s, want %s" % (name, facts[name], want))
    return found


def send(lab, row, number):
    """One row: (reply, places, record)."""
    with lab.smtp(row.ip, helo="client.example") as smtp:
        reply = smtp.message(row.sender, row.to, compose(row, number))
        smtp.quit()
    where = []
    if reply.queue_id:
        lab.settled(reply.queue_id)
        where = lab.where(reply.queue_id)
    wanted = "<row-%d@demo.test>" % number
    try:
        record = laboratory.wait_for("the record", lambda: [
            r for r in lab.records() if r.get("message_id") == wanted], 5)[0]
    except laboratory.LabError:
        record = None
    return reply, where, record


def table(lines):
    """Lines of columns, each as wide as its widest."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()


def short(reply):
    """The reply in a cell: the first line, Exim's id left out."""
    return reply.lines[0].split(" id=")[0]


def main():
    started = time.monotonic()
    lines = [("sent", "Exim answered", "where it is", "why")]
    wrong = []
    with laboratory.Lab(zones=zones(), tenants=TENANTS, files=policies(),
                        daemon=os.environ.get("MOON_DAEMON", "heavy"),
                        config=CONFIG, silent=SILENT) as lab:
        for number, row in enumerate(ROWS, 1):
            reply, where, record = send(lab, row, number)
            lines.append(("%2d %s" % (number, row.sent), short(reply),
                          " + ".join(where) or "nowhere", why(record) if record else "?"))
            for difference in differences(row, reply, where, record):
                wrong.append("row %d (%s): %s" % (number, row.sent, difference))
        panic = lab.read("log/paniclog")
        log = lab.read("log/mainlog")
    if panic:
        wrong.append("Exim's panic log: " + panic)
    print("\n".join(table(lines)))
    for line in wrong:
        print("NOT AS EXPECTED: " + line)
    if wrong:
        print("Exim's main log:\n" + log)
        return 1
    print("%d messages, all as expected, in %.1f s; nothing is left running."
          % (len(ROWS), time.monotonic() - started))
    return 0


if __name__ == "__main__":
    sys.exit(main())
