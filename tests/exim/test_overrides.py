#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Overrides of DMARC by entries of lists, as Exim's log, the message, the decision log and
`moonscan overrides` tell them."""

import json
import re
import sys

from common import (STRANGER, Lab, Suite, deliver, header_part, key_record, mail, refused, signed,
                    want, want_in, want_not_in, wait_for, zones)
from names import txt

suite = Suite()

FORWARDER = "127.0.6.7"  # of fwd.example, by SPF
POLICY = """-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"
local forwarders <const> = moon.list "forwarders"
local lists <const> = moon.list "mailing_lists"
local local_policy <const> = moon.list "local_policy"

local policy = {}

function policy.message(m)
  local via <const> = m.dmarc.result == "fail" and forwarders:match(m)
  if via then
    return moon.accept { override = "trusted_forwarder", via = via }
  end
  local list <const> = m.dmarc.result == "fail" and lists:match(m)
  if list then
    return moon.accept { override = "mailing_list", comment = "list " .. m.list.id, via = list }
  end
  return local_policy:verdict(m)
end

return policy
"""
LISTS = {
    "forwarders": """return {
  { name = "Old lists server", spf = "fwd.example", mail_from = "fwd.example",
    recipients = { "acme.test" }, note = "agreed; call Ann" },
}
""",
    "mailing_lists": """return {
  { name = "developers", list_id = "dev.lists.example" },
}
""",
    "local_policy": """return {
  { name = "open domains", from = { "none.example" }, verdict = "reject",
    text = "none.example is refused here unless it passes DMARC" },
  { name = "broken newsletter", from = "bank.example", hosts = "no.example", verdict = "accept" },
}
""",
}
FILES = {"tenants/acme.lua": POLICY, "tenants/other.lua": POLICY}
FILES.update({"tenants/lists/%s.lua" % name: text for name, text in LISTS.items()})
TENANTS = {"acme": ["acme.test"], "other": ["other.test"]}


@suite.lab
def router(**daemon):
    zone = "\n".join([
        zones(), "$ORIGIN fwd.example", txt("@", "v=spf1 ip4:%s -all" % FORWARDER),
        "$ORIGIN lists.example", txt("rsa._domainkey", key_record("rsa2048.pem")),
        "$ORIGIN none.example", txt("_dmarc", "v=DMARC1; p=none")])
    return Lab(zones=zone, tenants=TENANTS, files=FILES, **daemon)


def results_of(text):
    return [f for f in header_part(text) if f.startswith("Authentication-Results: mx.lab")][0]


@suite.case("router")
def a_trusted_forwarder_is_told_in_log_header_and_record(lab):
    queue_id = deliver(lab, mail(), sender="SRS0=Ab1=4G=bank.example=ann@fwd.example", ip=FORWARDER)
    want(lab.where(queue_id), ["inbox acme"], "place")
    want_in("dmarc=fail", results_of(lab.message(queue_id)), "results")
    want_in("(override trusted_forwarder: Old lists server: agreed, call Ann)",
            results_of(lab.message(queue_id)), "results")
    line = [line for line in lab.mainlog(queue_id) if " moonscan" in line][0]
    want_in(" override=trusted_forwarder via=tenants/lists/forwarders.lua:2 "
            'comment="Old lists server: agreed; call Ann" ', line, "log")
    verdict = lab.record(queue_id)["verdicts"][0]
    want(verdict["via"], {"list": "tenants/lists/forwarders.lua", "line": 2,
                          "entry": "Old lists server",
                          "by": "spf=fwd.example mail_from=fwd.example recipients=acme.test"},
         "via")
    want(verdict["policy_evaluated"], {"disposition": "none", "type": "trusted_forwarder"},
         "policy_evaluated")
    want(lab.record(queue_id)["forwarding"],
         {"pattern": "srs", "verified": True, "forwarder": "fwd.example",
          "original": "ann@bank.example"}, "forwarding")


@suite.case("router")
def no_tenant_reads_of_anothers_override_in_the_header(lab):
    queue_id = deliver(lab, mail(), ["joe@acme.test", "eve@other.test"], sender="x@fwd.example",
                       ip=FORWARDER)
    want(lab.where(queue_id), ["inbox acme", "quarantine other"], "places")
    want_not_in("override", results_of(lab.message(queue_id, "inbox acme")), "results")
    verdicts = lab.record(queue_id)["verdicts"]
    want(["via" in verdict for verdict in verdicts], [True, False], "via in %r" % verdicts)


@suite.case("router")
def a_mailing_list_needs_a_pass_of_its_domain(lab):
    fields = "List-Id: Developers <dev.lists.example>\n"
    forged = deliver(lab, mail(fields=fields), sender="x@open.example", ip=STRANGER)
    want(lab.where(forged), ["quarantine acme"], "place of the forgery")
    want("verified" in lab.record(forged)["list"], False, "verified")
    resent = signed(mail(fields=fields), domain="lists.example")
    queue_id = deliver(lab, resent, sender="x@open.example", ip=STRANGER)
    want(lab.where(queue_id), ["inbox acme"], "place")
    want(lab.record(queue_id)["list"],
         {"id": "dev.lists.example", "verified": True, "verified_by": "dkim",
          "verified_domain": "lists.example"}, "list")
    want_in("(override mailing_list: list dev.lists.example)", results_of(lab.message(queue_id)),
            "results")


@suite.case("router")
def local_policy_refuses_what_fails_under_p_none(lab):
    before = len(lab.records())
    reply = refused(lab, mail(author="ann@none.example"), sender="x@open.example", ip=STRANGER)
    want(reply.lines, ["550 5.7.1 none.example is refused here unless it passes DMARC"], "reply")
    wait_for("the record", lambda: len(lab.records()) > before)
    verdict = lab.records()[-1]["verdicts"][0]
    want(verdict["policy_evaluated"], {"disposition": "reject", "type": "local_policy"},
         "policy_evaluated")
    want(verdict["via"]["entry"], "open domains", "entry")
    passing = deliver(lab, signed(mail()), ip=STRANGER, sender="x@open.example")
    want(lab.where(passing), ["inbox acme"], "place of mail that passes")


@suite.case("router")
def the_hits_are_counted(lab):
    def counted():
        code, out, err = lab.run([lab.program, "overrides", "--json", "--snapshot", lab.path("state/current"),
                                  "--log", lab.decisions])
        want(code, 0, "status, with %r" % err)
        return json.loads(out)

    def hits(report, entry):
        return sum(row["hits"] for row in report["overrides"] if row.get("entry") == entry)

    before = counted()
    for _ in range(3):
        queue_id = deliver(lab, mail(), sender="x@fwd.example", ip=FORWARDER)
    lab.record(queue_id)
    after = counted()
    want(hits(after, "Old lists server") - hits(before, "Old lists server"), 3, "hits")
    want([row["entry"] for row in after["never"]][-1:], ["broken newsletter"], "never hit")
    row = [r for r in after["overrides"] if r.get("entry") == "Old lists server"][0]
    want((row["tenant"], row["type"], row["in_force"]), ("acme", "trusted_forwarder", True), "row")
    want(bool(re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$", row["last"])), True, "last")


if __name__ == "__main__":
    sys.exit(suite.main())
