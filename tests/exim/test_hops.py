#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Mail by way of other hosts: trusted hops, and programs of this host that hand mail to Exim."""

import json
import sys

from common import (BANK, STRANGER, Lab, Suite, deliver, header_part, mail, policy, want,
                    want_in, want_not_in, zones)
from smtp import crlf

suite = Suite()

HOP, HOP2, OURS = "127.0.2.2", "127.0.2.3", "127.0.0.1"
FACTS = '''
local s <const> = m.session
return moon.accept { headers = { "X-Facts: ip=" .. tostring(s.ip) .. " hop=" .. tostring(s.hop)
  .. " helo=" .. tostring(s.helo) .. " name=" .. tostring(s.hostname) .. " iprev=" .. s.iprev
  .. " spf=" .. m.spf.result .. " dmarc=" .. m.dmarc.result } }'''
FILES = {"tenants/acme.lua": policy(FACTS)}


@suite.lab
def hops(**daemon):
    return Lab(zones=zones(), files=FILES, config={"trusted_hops": [HOP, HOP2],
                                                   "sister_hosts": [HOP]}, **daemon)


@suite.lab
def filtered(**daemon):
    """As shipped, with a content filter that hands mail back over loopback."""
    return Lab(zones=zones(), files=FILES, **daemon)


@suite.lab
def behind_a_proxy(**daemon):
    """All mail comes from a filter on this host that stands in front of Exim."""
    return Lab(zones=zones(), files=FILES, config={"trusted_hops": [OURS]},
               environment={"MOONSCAN_LOOPBACK": "scan"}, **daemon)


def received(ip, name="v.bank.example", helo="c.bank.example"):
    return ("Received: from %s (%s [%s])\n\tby hop.example (Postfix) with ESMTPS id 1\n"
            "\tfor <joe@acme.test>; Sat, 21 Nov 2026 12:00:00 +0000\n" % (helo, name, ip))


def facts(lab, queue_id):
    fields = [f for f in header_part(lab.message(queue_id)) if f.startswith("X-Facts: ")]
    want(len(fields), 1, "fields of the policy")
    return fields[0][len("X-Facts: "):]


@suite.case("hops")
def the_client_behind_a_hop_is_evaluated(lab):
    queue_id = deliver(lab, mail(fields=received(BANK)), ip=HOP, helo="hop.example")
    want(facts(lab, queue_id), "ip=%s hop=%s helo=c.bank.example name=v.bank.example iprev=pass "
         "spf=pass dmarc=pass" % (BANK, HOP), "facts")
    ours = [line for line in lab.mainlog(queue_id) if " moonscan " in line]
    want_in(" hop=%s client=%s " % (HOP, BANK), ours[0], "log line")
    client = lab.record(queue_id)["client"]
    want((client["ip"], client["hop"], client["helo"]), (BANK, HOP, "c.bank.example"), "record")
    want("port" in client, False, "a port")


@suite.case("hops")
def what_the_client_has_written_below_is_not_believed(lab):
    forged = received(STRANGER, "unknown", "f.example") + received(HOP2) + received(BANK)
    queue_id = deliver(lab, mail(fields=forged), ip=HOP)
    want(facts(lab, queue_id), "ip=%s hop=%s helo=f.example name=nil iprev=none spf=fail "
         "dmarc=fail" % (STRANGER, HOP), "facts")


@suite.case("hops")
def a_stranger_gains_nothing_by_naming_a_hop(lab):
    queue_id = deliver(lab, mail(fields=received(HOP) + received(BANK)), ip=STRANGER)
    want_in("ip=%s hop=nil " % STRANGER, facts(lab, queue_id), "facts")
    want_in("spf=fail dmarc=fail", facts(lab, queue_id), "facts")


@suite.case("hops")
def two_hops_in_a_row_are_followed(lab):
    queue_id = deliver(lab, mail(fields=received(HOP2) + received(BANK)), ip=HOP)
    want_in("ip=%s hop=%s " % (BANK, HOP), facts(lab, queue_id), "facts")


@suite.case("hops")
def a_client_that_cannot_be_told_is_no_failure_of_spf(lab):
    for fields in ("", received(HOP), "Received: by hop.example (Postfix, from userid 0); x\n",
                   "Received: from x (y [%s]) (z [%s]) by hop.example; x\n" % (BANK, STRANGER)):
        queue_id = deliver(lab, mail(fields=fields), ip=HOP)
        want(facts(lab, queue_id), "ip=nil hop=%s helo= name=nil iprev=none spf=none dmarc=fail"
             % HOP, "facts with %r" % fields)
        record = lab.record(queue_id)
        want_in("Received field", record["client"]["hop_reason"], "reason in the record")
        want("ip" in record["client"], False, "an address in the record")
        ours = [line for line in lab.mainlog(queue_id) if " moonscan " in line]
        want_in(" hop=%s client=unknown " % HOP, ours[0], "log line")
        results = [f for f in header_part(lab.message(queue_id))
                   if f.startswith("Authentication-Results: mx.lab.test")]
        want_in('spf=none reason="the client behind %s is not known: ' % HOP, results[0],
                "Authentication-Results")
        want_not_in(HOP + " ", results[0].replace("reason=\"the client behind " + HOP, ""),
                    "Authentication-Results")


@suite.case("hops")
def results_of_a_sister_that_is_a_hop_stay(lab):
    sisters = "Authentication-Results: mx.lab.test; spf=pass smtp.mailfrom=sister.example\n"
    queue_id = deliver(lab, mail(fields=sisters + received(STRANGER)), ip=HOP)
    want_in("sister.example", lab.message(queue_id), "message of a sister")
    queue_id = deliver(lab, mail(fields=sisters + received(HOP)), ip=HOP2)
    want_not_in("sister.example", lab.message(queue_id), "message of another hop")


def as_exim_sends_it(lab, queue_id):
    """A delivered message as Exim would have sent it on: what the last delivery added is gone."""
    text = lab.message(queue_id)
    return crlf(text[text.index("Received:"):])


@suite.case("hops")
def a_field_that_exim_writes_is_read(lab):
    first = deliver(lab, mail(), helo="client.example")
    queue_id = deliver(lab, as_exim_sends_it(lab, first), ip=HOP)
    want(lab.record(queue_id)["client"]["ip"], BANK, "client")
    want(lab.record(queue_id)["client"]["helo"], "client.example", "HELO")
    want(lab.record(queue_id)["spf"]["result"], "pass", "SPF")


@suite.case("hops")
def check_follows_hops_as_the_worker_does(lab):
    file = lab.write("mail.eml", mail(fields=received(BANK)).decode())
    status, out, err = lab.run([lab.program, "check", file, "--ip", HOP, "--helo", "hop.example",
                                "--from", "ann@bank.example", "--rcpt", "joe@acme.test",
                                "--snapshot", lab.path("state/current"), "--json"])
    want(status, 0, "status (%s)" % err)
    result = json.loads(out)
    want(result["client"]["ip"], BANK, "client")
    want(result["client"]["hop"], HOP, "hop")
    want(result["spf"]["result"], "pass", "SPF")


@suite.case("filtered")
def mail_that_a_filter_hands_back_is_not_looked_at_again(lab):
    first = deliver(lab, mail())
    want(lab.record(first)["spf"]["result"], "pass", "SPF when it came")
    records = len(lab.records())
    # The filter gets it as Exim has accepted it, with our results on top, and adds its own field.
    text = lab.message(first)
    text = text[text.index("Authentication-Results:"):]
    back = crlf("Received: from localhost ([127.0.0.1])\n\tby localhost (mx [127.0.0.1]) (amavisd-new,"
                " port 10024)\n\twith ESMTP id x; Sat, 21 Nov 2026 12:00:01 +0000\n" + text)
    second = deliver(lab, back, ip=OURS, helo="localhost")
    want(lab.where(second), ["inbox acme"], "place")
    ours = [f for f in header_part(lab.message(second))
            if f.startswith("Authentication-Results: mx.lab.test")]
    want(len(ours), 1, "results on the message")
    want_in("spf=pass", ours[0], "results")
    want([line for line in lab.mainlog(second) if " moonscan" in line], [], "log lines of ours")
    want(len(lab.records()), records, "records")


@suite.case("filtered")
def mail_from_outside_is_looked_at_beside_it(lab):
    queue_id = deliver(lab, mail(), ip=STRANGER)
    want_in("spf=fail", facts(lab, queue_id), "facts")


@suite.case("behind_a_proxy")
def a_filter_in_front_of_exim_is_a_trusted_hop(lab):
    for ip, spf in ((BANK, "pass"), (STRANGER, "fail")):
        queue_id = deliver(lab, mail(fields=received(ip)), ip=OURS, helo="localhost")
        want_in("ip=%s hop=%s " % (ip, OURS), facts(lab, queue_id), "facts")
        want_in("spf=" + spf, facts(lab, queue_id), "facts")


if __name__ == "__main__":
    sys.exit(suite.main())
