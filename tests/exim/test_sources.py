#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Where mail comes from: what the module looks at, and what it leaves alone."""

import base64
import sys

from common import (BANK, STRANGER, Lab, Suite, deliver, header_part, mail, policy, refused, want,
                    want_in, wait_for, zones)

suite = Suite()

# Whatever is looked at is refused, so that nothing is overlooked.
FILES = {"tenants/acme.lua": policy('return moon.reject { esc = "5.7.1", text = "seen" }')}
TENANTS = {"acme": ["acme.test"], "open": ["open.test"]}
AUTH = "AUTH PLAIN " + base64.b64encode(b"\0user\0word").decode()


@suite.lab
def plain(**daemon):
    return Lab(zones=zones(), files=FILES, tenants=TENANTS, **daemon)


@suite.lab
def scanning_authenticated(**daemon):
    return Lab(zones=zones(), files=FILES, tenants=TENANTS,
               environment={"MOONSCAN_AUTHENTICATED": "scan"}, **daemon)


@suite.lab
def with_relay_hosts(**daemon):
    return Lab(zones=zones(), files=FILES, tenants=TENANTS,
               main="hostlist moonscan_skip_hosts = <; 127.0.5.0/24", **daemon)


def untouched(lab, queue_id, place="inbox acme"):
    want(lab.where(queue_id), [place], "place")
    ours = [f for f in header_part(lab.message(queue_id))
            if f.startswith(("Authentication-Results:", "X-Moonscan"))]
    want(ours, [], "fields of ours")
    want(lab.records(queue_id), [], "records")
    want([line for line in lab.mainlog(queue_id) if " moonscan" in line], [], "log lines of ours")


def authenticated(lab):
    with lab.smtp(STRANGER) as smtp:
        want(smtp.command(AUTH).code, 235, "AUTH")
        reply = smtp.message("ann@bank.example", ["joe@acme.test"], mail())
        smtp.quit()
    return reply


@suite.case("plain")
def mail_of_a_stranger_is_looked_at(lab):
    want(refused(lab, mail()).lines, ["550 5.7.1 seen"], "reply")


@suite.case("plain")
def authenticated_mail_is_left_alone(lab):
    reply = authenticated(lab)
    want(reply.code, 250, "reply %r" % reply.lines)
    lab.settled(reply.queue_id)
    untouched(lab, reply.queue_id)


@suite.case("scanning_authenticated")
def authenticated_mail_is_looked_at_when_the_site_wants_it(lab):
    want(authenticated(lab).lines, ["550 5.7.1 seen"], "reply")


@suite.case("with_relay_hosts")
def mail_of_a_listed_relay_host_is_left_alone(lab):
    queue_id = deliver(lab, mail(), ip="127.0.5.9")
    untouched(lab, queue_id)


@suite.case("with_relay_hosts")
def mail_of_other_hosts_is_looked_at_beside_a_list(lab):
    want(refused(lab, mail()).lines, ["550 5.7.1 seen"], "reply")


@suite.case("plain")
def mail_of_a_local_program_is_left_alone(lab):
    before = len(lab.mainlog())
    status, _, err = lab.run(lab.exim + ["-odf", "-i", "joe@acme.test"],
                             input=mail().replace(b"\r\n", b"\n"))
    want(status, 0, "status (%s)" % err)
    line = next(x for x in lab.mainlog()[before:] if " <= " in x)
    queue_id = line.split()[2]
    lab.settled(queue_id)
    untouched(lab, queue_id)


@suite.case("plain")
def local_smtp_on_standard_input_is_left_alone(lab):
    session = (b"EHLO here\r\nMAIL FROM:<ann@bank.example>\r\nRCPT TO:<joe@acme.test>\r\nDATA\r\n"
               + mail() + b".\r\nQUIT\r\n")
    _, out, _ = lab.run(lab.exim + ["-odf", "-bs"], input=session)
    want_in("250 OK id=", out, "session")
    queue_id = out.split("250 OK id=")[1].split()[0]
    lab.settled(queue_id)
    untouched(lab, queue_id)


@suite.case("plain")
def exims_own_bounce_is_left_alone(lab):
    # Nobody reads a domain that has no router's directory: a file stands where its Maildir goes.
    queue_id = deliver(lab, mail(author="al@open.example"), ["joe@open.test"],
                       sender="al@open.example")
    want(lab.where(queue_id), ["inbox open"], "place")
    before = len(lab.mainlog())
    status, _, err = lab.run(lab.exim + ["-odf", "-f", "<>", "-i", "al@acme.test"],
                             input=mail().replace(b"\r\n", b"\n"))
    want(status, 0, "status (%s)" % err)
    line = next(x for x in lab.mainlog()[before:] if " <= <>" in x)
    bounce = line.split()[2]
    lab.settled(bounce)
    untouched(lab, bounce)


@suite.case("plain")
def a_null_sender_from_the_network_is_looked_at(lab):
    want(refused(lab, mail(), sender="").lines, ["550 5.7.1 seen"], "reply")


@suite.case("plain")
def host_checking_answers_but_leaves_no_record(lab):
    before = len(lab.records())
    session = (b"EHLO there\r\nMAIL FROM:<ann@bank.example>\r\nRCPT TO:<joe@acme.test>\r\nDATA\r\n"
               + mail() + b".\r\nQUIT\r\n")
    _, out, _ = lab.run(lab.exim + ["-bh", BANK], input=session)
    want_in("550 5.7.1 seen", out, "session")
    # A record would be there by now: the worker writes it before it ends.
    wait_for("the worker to end", lambda: not lab.workers())
    want(len(lab.records()), before, "records")


if __name__ == "__main__":
    sys.exit(suite.main())
