#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tenants that the site's RCPT ACL looks up: in a flat file, in a cdb file, in a database. The lines are
those of docs/operating.md."""

import os
import re
import sqlite3
import struct
import sys

from common import Lab, Suite, deliver, laboratory, mail, policy, refused, want, zones

suite = Suite(not_static="the lookups are those of Debian's daemons")

WHO = {"customer.test": "take", "other.test": "keep", "third.test": "refuse"}
FILES = {"tenants/take.lua": policy("return moon.accept {}"),
         "tenants/keep.lua": policy("return moon.quarantine {}"),
         "tenants/refuse.lua": policy('return moon.reject { esc = "5.7.1", text = "no" }')}


def documented(kind):
    """The ACL line of the page for operators with this look-up."""
    with open(os.path.join(laboratory.TREE, "docs/operating.md"), encoding="utf-8") as file:
        text = file.read()
    found = [line for line in text.splitlines()
             if line.startswith("warn set acl_m_moonscan_tenants") and "{$domain}%s" % kind in line
             or line.startswith("warn set acl_m_moonscan_tenants") and "lookup %s" % kind in line]
    want(len(found), 1, "lines with %s in operating.md" % kind)
    return found[0]


def write_cdb(path, pairs):
    """D. J. Bernstein's format: records, then 256 hash tables, found by a head of 2 KB."""
    tables, body = [[] for _ in range(256)], b""
    for key, value in pairs.items():
        key, value, code = key.encode(), value.encode(), 5381
        for byte in key:
            code = ((code << 5) + code ^ byte) & 0xffffffff
        tables[code & 255].append((code, 2048 + len(body)))
        body += struct.pack("<LL", len(key), len(value)) + key + value
    head, tail = b"", b""
    for entries in tables:
        slots = [(0, 0)] * (2 * len(entries))
        for code, place in entries:
            at = (code >> 8) % len(slots)
            while slots[at][1]:
                at = (at + 1) % len(slots)
            slots[at] = (code, place)
        head += struct.pack("<LL", 2048 + len(body) + len(tail), len(slots))
        tail += b"".join(struct.pack("<LL", *slot) for slot in slots)
    with open(path, "wb") as file:
        file.write(head + body + tail)


class TenantsLab(Lab):
    """A lab whose tenants.map knows no domain: the look-up does."""

    def __init__(self, kind, path, **daemon):
        line = documented(kind)
        lookup = re.search(r"\$domain=(.*)$", line).group(1)
        stage = "@STAGE@/" + path
        self.look_up_file = path
        super().__init__(zones=zones(), tenants={"all": list(WHO)}, files=FILES,
                         main="MOONSCAN_OF_DOMAIN = " + lookup.replace("/etc/exim4/" + path, stage),
                         acl_rcpt="  " + line.replace("/etc/exim4/" + path, stage), **daemon)

    def configure_exim(self):
        for name in ("MAIN", "ACL_RCPT"):
            self.text[name] = self.text[name].replace("@STAGE@", self.stage)
        super().configure_exim()

    def configure_moonscan(self):
        super().configure_moonscan()
        full = self.path(self.look_up_file)
        if full.endswith(".cdb"):
            write_cdb(full, WHO)
        elif full.endswith(".sqlite"):
            with sqlite3.connect(full) as base:
                base.execute("create table tenants (domain text primary key, tenant text)")
                base.executemany("insert into tenants values (?, ?)", WHO.items())
            base.close()
        else:
            self.write(self.look_up_file, "".join("%s: %s\n" % pair for pair in WHO.items()))
        self.own(full)


@suite.lab
def flat(**daemon):
    return TenantsLab("lsearch", "tenants-of-mine", **daemon)


@suite.lab
def cdb(**daemon):
    return TenantsLab("cdb", "tenants.cdb", **daemon)


@suite.lab
def database(**daemon):
    """The light daemon has no databases; there it is the flat file once more."""
    if daemon.get("daemon") in ("light", "newer"):
        return flat(**daemon)
    return TenantsLab("sqlite", "tenants.sqlite", **daemon)


def tenants_are_those_of_the_look_up(lab):
    queue_id = deliver(lab, mail(), ["joe@customer.test", "bob@other.test"])
    want([v["tenant"] for v in lab.record(queue_id)["verdicts"]], ["keep", "take"], "tenants")
    want(lab.where(queue_id), ["inbox all", "quarantine keep"], "places")
    reply = refused(lab, mail(), ["joe@third.test"])
    want(reply.lines, ["550 5.7.1 no"], "reply")
    want(lab.records()[-1]["verdicts"][0]["tenant"], "refuse", "tenant")


@suite.case("flat")
def a_flat_file_tells_the_tenants(lab):
    tenants_are_those_of_the_look_up(lab)


@suite.case("cdb")
def a_cdb_file_tells_the_tenants(lab):
    tenants_are_those_of_the_look_up(lab)


@suite.case("database")
def a_database_tells_the_tenants(lab):
    tenants_are_those_of_the_look_up(lab)


@suite.case("flat")
def a_domain_that_the_look_up_does_not_know_has_no_tenant(lab):
    queue_id = deliver(lab, mail(), ["joe@mx.lab.test"])
    want(lab.record(queue_id)["verdicts"][0]["tenant"], "", "tenant")
    want(lab.record(queue_id)["decision"].get("notes"), None, "notes")


if __name__ == "__main__":
    sys.exit(suite.main())
