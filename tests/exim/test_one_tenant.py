#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One tenant in each transaction: the ACL of docs/exim/acl.conf in front of a site's own."""

import base64
import sys

from common import (BANK, STRANGER, Lab, Suite, deliver, mail, policy, want, want_in, zones)

suite = Suite()

TENANTS = {"take": ["take.test", "take.example"], "refuse": ["refuse.test"], "keep": ["keep.test"]}
FILES = {
    "tenants/take.lua": policy("return moon.accept {}"),
    "tenants/keep.lua": policy("return moon.quarantine {}"),
    "tenants/refuse.lua": """-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"
local function always(m)
  return moon.accept { reason = "always reachable" }
end
return {
  message = function(m)
    return moon.reject { esc = "5.7.26", text = "no" }
  end,
  recipients = { postmaster = always, abuse = always },
}
""",
}
AUTH = "AUTH PLAIN " + base64.b64encode(b"\0user\0word").decode()
PUT_OFF = "452 4.5.3 This recipient needs a transaction of its own, send to it again"
# As in Debian's acl_check_rcpt, beside a refusal of the site's own.
SITE = """
  deny condition = ${if and{{>{$rcpt_count}{10}}{<{$recipients_count}{${eval:$rcpt_count/2}}}}}
       message = Rejected for too many bad recipients
  deny local_parts = nobody
       message = 5.1.1 nobody of that name
"""


@suite.lab
def single(**daemon):
    return Lab(zones=zones(), tenants=TENANTS, files=FILES, rcpt="acl_moonscan_rcpt",
               main="MOONSCAN_RCPT_ACL = acl_rcpt\n"
                    "MOONSCAN_MANY_TENANTS_HOSTS = <; ; 127.0.5.0/24", acl_rcpt=SITE, **daemon)


@suite.lab
def shared(**daemon):
    """Tenants share messages; postmaster and abuse are apart."""
    return Lab(zones=zones(), tenants=TENANTS, files=FILES, rcpt="acl_moonscan_rcpt",
               main="MOONSCAN_RCPT_ACL = acl_rcpt\nMOONSCAN_TRANSACTION = "
                    "${if inlisti{$local_part}{postmaster:abuse}{alone}{}}", **daemon)


@suite.lab
def without(**daemon):
    return Lab(zones=zones(), tenants=TENANTS, files=FILES, **daemon)


def rcpt(smtp, address):
    return smtp.command("RCPT TO:<%s>" % address).lines[-1]


def start(smtp, sender="ann@bank.example"):
    want(smtp.command("MAIL FROM:<%s>" % sender).code, 250, "MAIL")


def transactions(lab, recipients, sender="ann@bank.example"):
    """As a client that comes again for whom it was put off: [(recipients taken, last reply)]."""
    left, done = list(recipients), []
    with lab.smtp(BANK) as smtp:
        while left:
            start(smtp, sender)
            replies = {address: rcpt(smtp, address) for address in left}
            taken = [address for address in left if replies[address].startswith("250")]
            for address in left:
                want(replies[address][:3] in ("250", "452"), True, replies[address])
            want(taken[:1], left[:1], "the first recipient of a transaction")
            reply = smtp.data_start(mail()) or smtp.read_reply()
            done.append((taken, reply))
            left = [address for address in left if address not in taken]
        smtp.quit()
    return done


@suite.case("single")
def each_tenant_answers_for_itself_when_the_client_comes_again(lab):
    done = transactions(lab, ["joe@take.test", "bob@keep.test", "eve@refuse.test"])
    want([taken for taken, _ in done], [["joe@take.test"], ["bob@keep.test"], ["eve@refuse.test"]],
         "transactions")
    want([reply.code for _, reply in done], [250, 250, 550], "replies")
    want(done[2][1].lines, ["550 5.7.26 no"], "reply of the tenant that refuses")
    for (_, reply), place in zip(done, (["inbox take"], ["quarantine keep"])):
        lab.settled(reply.queue_id)
        want(lab.where(reply.queue_id), place, "place")
        want("split" in lab.record(reply.queue_id)["decision"], False, "split")


@suite.case("single")
def the_refusal_is_for_a_time_only(lab):
    with lab.smtp(BANK) as smtp:
        start(smtp)
        want(rcpt(smtp, "joe@take.test"), "250 Accepted", "first")
        want(rcpt(smtp, "bob@keep.test"), PUT_OFF, "second tenant")
        want(rcpt(smtp, "sue@take.test"), "250 Accepted", "the first tenant again")
        want(smtp.command("RSET").code, 250, "RSET")
        start(smtp)
        want(rcpt(smtp, "bob@keep.test"), "250 Accepted", "the next transaction")
        smtp.quit()


@suite.case("single")
def a_client_that_pipelines_is_answered_line_by_line(lab):
    with lab.smtp(BANK) as smtp:
        smtp.send_raw(b"MAIL FROM:<ann@bank.example>\r\nRCPT TO:<joe@take.test>\r\n"
                      b"RCPT TO:<eve@refuse.test>\r\nRCPT TO:<sue@take.example>\r\nDATA\r\n")
        want([smtp.read_reply().lines[-1][:9] for _ in range(5)],
             ["250 OK", "250 Accep", "452 4.5.3", "250 Accep", "354 Enter"], "replies")
        smtp.send_raw(mail() + b".\r\n")
        reply = smtp.read_reply()
        smtp.quit()
    want(reply.code, 250, "reply %r" % reply.lines)
    lab.settled(reply.queue_id)
    want(set(lab.where(reply.queue_id)), {"inbox take"}, "places")
    want(lab.record(reply.queue_id)["envelope"]["recipients"], 2, "recipients")


@suite.case("single")
def domains_of_one_tenant_come_together(lab):
    done = transactions(lab, ["joe@take.test", "JOE@TAKE.EXAMPLE", "sue@take.test"])
    want(len(done), 1, "transactions")


@suite.case("single")
def recipients_of_no_tenant_come_together(lab):
    done = transactions(lab, ["joe@mx.lab.test", "bob@keep.test", "sue@mx.lab.test"])
    want([taken for taken, _ in done], [["joe@mx.lab.test", "sue@mx.lab.test"],
                                        ["bob@keep.test"]], "transactions")


@suite.case("single")
def a_recipient_that_the_site_refuses_decides_nothing(lab):
    with lab.smtp(BANK) as smtp:
        start(smtp)
        want(rcpt(smtp, "nobody@take.test"), "550 5.1.1 nobody of that name", "refused")
        want(rcpt(smtp, "joe@elsewhere.example"), "550 relay not permitted", "refused")
        want(rcpt(smtp, "bob@keep.test"), "250 Accepted", "the first that is accepted")
        want(rcpt(smtp, "joe@take.test"), PUT_OFF, "another tenant's")
        want(rcpt(smtp, "nobody@take.test"), PUT_OFF, "one that would be refused")
        smtp.quit()


@suite.case("single")
def nobody_is_refused_for_good_because_others_were_put_off(lab):
    first = ["a%d@take.test" % i for i in range(8)]
    mixed = ["joe@take.test"] + ["b%d@keep.test" % i for i in range(14)] + first
    done = transactions(lab, mixed)
    want(sorted(address for taken, _ in done for address in taken), sorted(mixed), "all taken")
    want(len(done) <= 3, True, "transactions: %d" % len(done))


@suite.case("single")
def a_client_with_bad_recipients_is_refused_as_before(lab):
    with lab.smtp(STRANGER) as smtp:
        start(smtp)
        for _ in range(10):
            want(rcpt(smtp, "nobody@take.test"), "550 5.1.1 nobody of that name", "refused")
        want(rcpt(smtp, "joe@take.test"), "550 Rejected for too many bad recipients", "the 11th")
        smtp.quit()


@suite.case("single")
def postmaster_is_reached_in_a_transaction_of_its_own(lab):
    done = transactions(lab, ["joe@take.test", "postmaster@keep.test", "postmaster"])
    want([reply.code for _, reply in done], [250, 250, 250], "replies")


@suite.case("single")
def postmaster_and_abuse_are_reached_where_the_rest_of_the_tenant_refuses(lab):
    done = transactions(lab, ["eve@refuse.test", "Postmaster@refuse.test", "abuse@refuse.test"])
    want([(taken, reply.code) for taken, reply in done],
         [(["eve@refuse.test"], 550), (["Postmaster@refuse.test", "abuse@refuse.test"], 250)],
         "transactions")
    lab.settled(done[1][1].queue_id)
    want(set(lab.where(done[1][1].queue_id)), {"inbox refuse"}, "place")
    verdict = lab.record(done[1][1].queue_id)["verdicts"][0]
    want((verdict["verdict"], verdict["layer"]), ("accept", "recipient"), "verdict")


@suite.case("shared")
def only_postmaster_and_abuse_can_be_set_apart(lab):
    done = transactions(lab, ["joe@take.test", "bob@keep.test", "postmaster@refuse.test"])
    want([taken for taken, _ in done], [["joe@take.test", "bob@keep.test"],
                                        ["postmaster@refuse.test"]], "transactions")
    want([reply.code for _, reply in done], [250, 250], "replies")


@suite.case("without")
def in_a_mixed_message_the_rule_for_the_others_holds(lab):
    with lab.smtp(BANK) as smtp:
        alone = smtp.message("ann@bank.example", ["postmaster@refuse.test"], mail())
        mixed = smtp.message("ann@bank.example", ["postmaster@refuse.test", "eve@refuse.test"],
                             mail())
        smtp.quit()
    want((alone.code, mixed.lines), (250, ["550 5.7.26 no"]), "replies")


@suite.case("without")
def in_a_mixed_message_of_two_tenants_postmaster_has_its_own_verdict(lab):
    queue_id = deliver(lab, mail(), ["postmaster@refuse.test", "bob@keep.test"])
    want(sorted(lab.where(queue_id)), ["inbox refuse", "quarantine keep"], "places")


@suite.case("single")
def a_bounce_and_a_callout_have_one_recipient_and_notice_nothing(lab):
    with lab.smtp(BANK) as smtp:
        for address in ("joe@take.test", "bob@keep.test"):  # as Exim's callout asks
            start(smtp, "")
            want(rcpt(smtp, address), "250 Accepted", address)
            want(smtp.command("RSET").code, 250, "RSET")
        smtp.quit()
    want([reply.code for _, reply in transactions(lab, ["joe@take.test"], sender="")], [250],
         "replies")


def both(lab, smtp):
    reply = smtp.message("ann@bank.example", ["joe@take.test", "bob@keep.test"], mail())
    smtp.quit()
    want(reply.code, 250, "reply %r" % reply.lines)
    lab.settled(reply.queue_id)
    return reply.queue_id


@suite.case("single")
def own_clients_may_name_several_tenants(lab):
    with lab.smtp(STRANGER) as smtp:
        want(smtp.command(AUTH).code, 235, "AUTH")
        want(sorted(lab.where(both(lab, smtp))), ["inbox keep", "inbox take"], "authenticated")
    with lab.smtp("127.0.5.9") as smtp:
        want(sorted(lab.where(both(lab, smtp))), ["inbox take", "quarantine keep"], "listed host")
    session = (b"EHLO here\r\nMAIL FROM:<ann@bank.example>\r\nRCPT TO:<joe@take.test>\r\n"
               b"RCPT TO:<bob@keep.test>\r\nDATA\r\n" + mail() + b".\r\nQUIT\r\n")
    _, out, _ = lab.run(lab.exim + ["-odf", "-bs"], input=session)
    want_in("250 OK id=", out, "local session")
    want("452" in out, False, "a recipient put off in %r" % out)


@suite.case("single")
def one_recipient_is_delivered_as_ever(lab):
    want(lab.where(deliver(lab, mail(), ["joe@take.test"])), ["inbox take"], "place")


if __name__ == "__main__":
    sys.exit(suite.main())
