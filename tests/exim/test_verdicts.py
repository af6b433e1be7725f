#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Verdicts of policies, as the client, the mailbox, Exim's log and the decision log see them."""

import json
import sys

from common import (BANK, STRANGER, Lab, Suite, deliver, header_part, mail, policy, refused, want,
                    want_in, want_not_in, wait_for, zones)

suite = Suite()

POLICIES = {
    "reject": 'return moon.reject { esc = "5.7.26", text = "no, " .. m.from.domain }',
    "lines": 'return moon.reject { esc = "5.7.1", text = "first line\\nsecond line\\nthird" }',
    "defer": 'return moon.defer { esc = "4.7.0", text = "come back later" }',
    "plain": "return moon.reject {}",
    "keep": 'return moon.quarantine { reason = "because" }',
    "drop": 'return moon.discard { reason = "never wanted" }',
    "take": "return moon.accept {}",
    "tag": 'return moon.accept { tag = "[EXTERNAL]", headers = { "X-Site: one" } }',
    # `moonscan publish` tries each policy: this one breaks later.
    "broken": 'if m.from.domain == "bank.example" then error("no such verdict") end',
}
TENANTS = {name: [name + ".test"] for name in list(POLICIES) + ["acme"]}
FILES = {"tenants/%s.lua" % name: policy(body) for name, body in POLICIES.items()}


@suite.lab
def router(**daemon):
    return Lab(zones=zones(), tenants=TENANTS, files=FILES, **daemon)


@suite.lab
def header(**daemon):
    return Lab(zones=zones(), tenants=TENANTS, files=FILES, config={"quarantine": "header"},
               **daemon)


@suite.lab
def freeze(**daemon):
    return Lab(zones=zones(), tenants=TENANTS, files=FILES, config={"quarantine": "freeze"},
               **daemon)


@suite.lab
def undeclared(**daemon):
    return Lab(zones=zones(), tenants=TENANTS, files=FILES, config={"quarantine": "none"},
               **daemon)


@suite.lab
def tenants_by_acl(**daemon):
    """The site's RCPT ACL knows the tenants, and the router asks the same look-up."""
    whose = "${if eq{$local_part}{joe}{take}{keep}}"
    return Lab(zones=zones(), tenants=TENANTS, files=FILES, main="MOONSCAN_OF_DOMAIN = " + whose,
               acl_rcpt="  warn set acl_m_moonscan_tenants = $acl_m_moonscan_tenants "
                        "$local_part@$domain=" + whose, **daemon)


@suite.lab
def tenants_misunderstood(**daemon):
    """The RCPT ACL has a look-up of its own, and nobody told the router."""
    whose = "${if eq{$local_part}{joe}{take}{keep}}"
    return Lab(zones=zones(), tenants={"take": [], "keep": []}, files=FILES,
               acl_rcpt="  warn set acl_m_moonscan_tenants = $acl_m_moonscan_tenants "
                        "$local_part@$domain=" + whose, **daemon)


@suite.case("tenants_misunderstood")
def mail_waits_when_exim_knows_other_tenants(lab):
    queue_id = deliver(lab, mail(), ["joe@mx.lab.test", "bob@mx.lab.test"])
    want(lab.record(queue_id)["decision"]["data"].split()[:2], ["q=keep", "d=take"], "data")
    want(lab.where(queue_id), [], "places")
    waits = [line for line in lab.mainlog(queue_id) if "Moonscan knows another tenant" in line]
    want(len(waits), 2, "recipients that wait in %r" % lab.mainlog(queue_id))


@suite.case("router")
def accepts_and_writes_the_results_on_top(lab):
    queue_id = deliver(lab, mail())
    want(lab.where(queue_id), ["inbox acme"], "place")
    fields = header_part(lab.message(queue_id))
    results = [i for i, f in enumerate(fields) if f.startswith("Authentication-Results: mx.lab")]
    received = [i for i, f in enumerate(fields) if f.startswith("Received:")]
    want(len(results), 1, "number of Authentication-Results")
    want(results[0] < received[0], True, "Authentication-Results above our Received")
    for part in ("spf=pass", "dmarc=pass"):
        want_in(part, fields[results[0]], "Authentication-Results")


@suite.case("router")
def refuses_with_the_code_and_text_of_the_policy(lab):
    reply = refused(lab, mail(), ["joe@reject.test"])
    want(reply.lines, ["550 5.7.26 no, bank.example"], "reply")


@suite.case("router")
def refuses_with_several_lines_each_with_its_code(lab):
    reply = refused(lab, mail(), ["joe@lines.test"])
    want(reply.lines, ["550-5.7.1 first line", "550-5.7.1 second line", "550 5.7.1 third"],
         "reply")


@suite.case("router")
def refuses_with_a_default_text(lab):
    reply = refused(lab, mail(), ["joe@plain.test"])
    want(reply.lines[0].startswith("550 5.7.1 "), True, "reply %r" % reply.lines)


@suite.case("router")
def defers_with_the_code_and_text_of_the_policy(lab):
    reply = refused(lab, mail(), ["joe@defer.test"])
    want(reply.lines, ["451 4.7.0 come back later"], "reply")


@suite.case("router")
def a_broken_policy_gives_a_neutral_deferral_and_its_line_in_the_log(lab):
    before = len(lab.mainlog())
    reply = refused(lab, mail(), ["joe@broken.test"])
    want(reply.lines[0].startswith("451 4.3.0 "), True, "reply %r" % reply.lines)
    want_not_in("lua", reply.text, "reply")
    lines = [line for line in lab.mainlog()[before:] if "tenants/broken.lua:5" in line
             and "moonscan" in line]
    want(len(lines), 1, "lines that name file and line in %r" % lab.mainlog()[before:])


@suite.case("router")
def quarantines_into_the_tenants_maildir(lab):
    queue_id = deliver(lab, mail(), ["joe@keep.test"])
    want(lab.where(queue_id), ["quarantine keep"], "place")
    fields = header_part(lab.message(queue_id))
    want(any(f.startswith("X-Moonscan-Quarantined: id=%s spf=pass " % queue_id) for f in fields), True,
         "field of the transport in %r" % fields)


@suite.case("router")
def each_tenant_of_a_message_gets_its_own_verdict(lab):
    queue_id = deliver(lab, mail(), ["joe@take.test", "bob@keep.test", "eve@reject.test"])
    want(lab.where(queue_id), ["inbox take", "quarantine keep", "quarantine reject"], "places")
    record = lab.record(queue_id)
    want(record["decision"]["split"], True, "split")
    text = lab.message(queue_id, "quarantine reject")
    want_in("Envelope-to: eve@reject.test\n", text, "the quarantined copy")
    want_not_in("bob@keep.test\n", text.split("\n\n")[0].split("Received:")[0], "that copy's top")


@suite.case("router")
def recipients_of_no_tenant_have_the_default_quarantine(lab):
    queue_id = deliver(lab, mail(), ["joe@take.test", "bob@mx.lab.test"], ip=STRANGER)
    want(lab.where(queue_id), ["inbox take", "quarantine default"], "places")
    want_in(" q=- ", " " + lab.record(queue_id)["decision"]["data"], "data")


@suite.case("tenants_by_acl")
def the_acl_tells_the_tenants(lab):
    queue_id = deliver(lab, mail(), ["joe@acme.test", "bob@acme.test"])
    want(lab.where(queue_id), ["inbox acme", "quarantine keep"], "places")
    want([v["tenant"] for v in lab.record(queue_id)["verdicts"]], ["keep", "take"], "tenants")


@suite.case("router")
def nobody_takes_it_then_one_deferral_defers_all(lab):
    reply = refused(lab, mail(), ["joe@reject.test", "bob@defer.test"])
    want(reply.lines, ["451 4.7.0 come back later"], "reply")


@suite.case("router")
def discards_for_the_tenant_that_wants_it_and_delivers_to_the_others(lab):
    queue_id = deliver(lab, mail(), ["joe@drop.test", "bob@take.test"])
    want(lab.where(queue_id), ["inbox take"], "places")
    record = lab.record(queue_id)
    want(record["applied"]["discarded_recipients"], 1, "discarded recipients")


@suite.case("router")
def discards_a_whole_message(lab):
    queue_id = deliver(lab, mail(), ["joe@drop.test"])
    want(lab.where(queue_id), [], "places")
    want(lab.record(queue_id)["verdicts"][0]["verdict"], "discard", "verdict in the record")


@suite.case("router")
def adds_the_tag_and_the_fields_of_a_policy(lab):
    queue_id = deliver(lab, mail(subject="offer"), ["joe@tag.test"])
    fields = header_part(lab.message(queue_id))
    want([f for f in fields if f.startswith("Subject:")], ["Subject: [EXTERNAL] offer"], "Subject")
    want([f for f in fields if f.startswith("X-Site:")], ["X-Site: one"], "added field")


@suite.case("router")
def several_messages_of_a_connection_have_one_worker(lab):
    seen = set()
    with lab.smtp(BANK) as smtp:
        for to in ("joe@acme.test", "joe@reject.test", "joe@keep.test", "joe@acme.test"):
            smtp.message("ann@bank.example", [to], mail())
            seen.update(lab.workers())
            want(len(lab.workers()), 1, "workers after the message to " + to)
        smtp.quit()
    want(len(seen), 1, "different workers")
    wait_for("the worker to end", lambda: not lab.workers())


@suite.case("router")
def the_record_is_one_line_of_json_with_what_exim_did(lab):
    queue_id = deliver(lab, mail(fields="Authentication-Results: mx.lab.test; spf=pass\n"))
    record = lab.record(queue_id)
    lines = [line for line in lab.read("decisions/decisions.jsonl").splitlines()
             if queue_id in line]
    want(len(lines), 1, "lines")
    want(json.loads(lines[0])["v"], 1, "version")
    want(record["applied"]["action"], "accept", "applied.action")
    want(record["applied"]["added"], 1, "applied.added")
    want(record["applied"]["removed_fields"], 1, "applied.removed_fields")
    want(record["client"]["ip"], BANK, "client.ip")
    want("difference" in record["applied"], False, "a difference")


@suite.case("router")
def a_refused_message_is_recorded_too(lab):
    before = len(lab.records())
    refused(lab, mail(), ["joe@reject.test"])
    wait_for("the record", lambda: len(lab.records()) > before)
    record = lab.records()[-1]
    want(record["applied"]["action"], "reject", "applied.action")
    want(record["decision"]["reply"], "5.7.26 no, bank.example", "decision.reply")


@suite.case("router")
def exims_log_has_one_line_of_ours_for_a_message(lab):
    queue_id = deliver(lab, mail())
    want(len([line for line in lab.mainlog(queue_id) if " moonscan" in line]), 1, "lines")


@suite.case("header")
def quarantine_by_header_delivers_with_a_field(lab):
    queue_id = deliver(lab, mail(), ["joe@keep.test"])
    want(lab.where(queue_id), ["inbox keep"], "place")
    want(len([f for f in header_part(lab.message(queue_id))
              if f.startswith("X-Moonscan-Quarantine:")]), 1, "fields")


@suite.case("header")
def a_forged_quarantine_field_is_removed(lab):
    queue_id = deliver(lab, mail(fields="X-Moonscan-Quarantine: *\n"), ["joe@take.test"])
    want([f for f in header_part(lab.message(queue_id)) if f.startswith("X-Moonscan-")], [],
         "fields")


@suite.case("header")
def a_forged_field_is_removed_however_its_name_is_written(lab):
    for name in ("x-MOONSCAN-quarantine:", "X-Moonscan-Quarantine \t:",
                 "X-Moonscan-Quarantine\n :", "X-Moonscan-Quarantine\n\t\n :", "X-Moonscan-Quarantine\v:"):
        fields = "%s *\n%s *\n" % (name, name)
        for own in ("Authentication-Results:", "authentication-results\n :"):
            fields += own + " mx.lab.test; dmarc=pass header.from=forged.example\n"
        queue_id = deliver(lab, mail(fields=fields), ["joe@take.test"])
        text = lab.message(queue_id).lower()
        want_not_in("x-moonscan-", text, "message with %r" % name)
        want_not_in("forged.example", text, "message with %r" % name)


@suite.case("freeze")
def quarantine_by_freezing_leaves_it_on_the_queue(lab):
    queue_id = deliver(lab, mail(), ["joe@keep.test"])
    want(lab.where(queue_id), [], "place")
    _, out, _ = lab.run(lab.exim + ["-bp"])
    want_in(queue_id, out, "queue")
    want_in("*** frozen ***", out, "queue")
    want(lab.record(queue_id)["applied"]["action"], "freeze", "applied.action")


@suite.case("undeclared")
def quarantine_that_is_not_declared_delivers_with_a_field(lab):
    queue_id = deliver(lab, mail(), ["joe@keep.test"], ip=STRANGER)
    want(lab.where(queue_id), ["inbox keep"], "place")
    want(len([f for f in header_part(lab.message(queue_id))
              if f.startswith("X-Moonscan-Quarantine:")]), 1, "fields")


if __name__ == "__main__":
    sys.exit(suite.main())
