#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Messages of every shape: they reach the worker as they were sent, and the mailbox unharmed."""

import sys

from common import (BANK, SISTER, STRANGER, Lab, Suite, crlf, deliver, header_part, mail, signed,
                    want, want_in, want_not_in, zones)

suite = Suite()
OURS = "Authentication-Results: mx.lab.test; spf=pass smtp.mailfrom=forged.example\n"
OTHERS = "Authentication-Results: elsewhere.example; spf=pass smtp.mailfrom=kept.example\n"


@suite.lab
def plain(**daemon):
    return Lab(zones=zones(), config={"sister_hosts": [SISTER]}, **daemon)


@suite.lab
def wireformat(**daemon):
    return Lab(zones=zones(), main="spool_wireformat = true", **daemon)


@suite.lab
def rewriting(**daemon):
    return Lab(zones=zones(), rewrite="ann@bank.example rewritten@bank.example hs", **daemon)


@suite.lab
def adding_in_an_acl(**daemon):
    return Lab(zones=zones(), acl_rcpt="  warn add_header = X-Acl: was here", **daemon)


def results(lab, queue_id):
    """Our Authentication-Results of a delivered message."""
    found = [f for f in header_part(lab.message(queue_id))
             if f.lower().startswith("authentication-results: mx.lab.test")]
    want(len(found), 1, "Authentication-Results of ours")
    return found[0]


def body_of(lab, queue_id):
    return lab.message(queue_id).split("\n\n", 1)[1]


@suite.case("plain")
def a_forged_field_in_our_name_is_removed(lab):
    queue_id = deliver(lab, mail(fields=OURS))
    want_not_in("forged.example", lab.message(queue_id), "message")
    want_in("dmarc=pass", results(lab, queue_id), "our field")


@suite.case("plain")
def a_field_in_another_name_is_kept(lab):
    queue_id = deliver(lab, mail(fields=OTHERS))
    want_in("kept.example", lab.message(queue_id), "message")


@suite.case("plain")
def a_sister_hosts_field_is_kept(lab):
    queue_id = deliver(lab, mail(author="al@open.example", fields=OURS), sender="al@open.example",
                       ip=SISTER)
    want_in("forged.example", lab.message(queue_id), "message")


@suite.case("plain")
def our_name_in_other_letters_and_with_a_version_is_removed_too(lab):
    queue_id = deliver(lab, mail(fields="authentication-results:\n MX.Lab.TEST 1; spf=pass "
                                        "smtp.mailfrom=forged.example\n"))
    want_not_in("forged.example", lab.message(queue_id), "message")


@suite.case("plain")
def a_signed_message_passes(lab):
    queue_id = deliver(lab, signed(mail()), sender="x@elsewhere.example", ip=STRANGER)
    want(lab.record(queue_id)["dkim"][0]["result"], "pass", "DKIM")
    want_in("dkim=pass", results(lab, queue_id), "our field")


@suite.case("plain")
def a_message_that_was_changed_after_signing_fails(lab):
    queue_id = deliver(lab, signed(mail()).replace(b"Hello", b"Hallo"))
    want(lab.record(queue_id)["dkim"][0]["result"], "fail", "DKIM")


@suite.case("plain")
def a_signed_message_with_dots_and_empty_lines_passes(lab):
    message = signed(mail(body=".\n..\n.x\n\n\n"), canon="simple/simple")
    queue_id = deliver(lab, message, sender="x@elsewhere.example", ip=STRANGER)
    want(lab.record(queue_id)["dkim"][0]["result"], "pass", "DKIM")


@suite.case("plain")
def a_signed_message_with_fields_that_exim_removes_passes(lab):
    message = signed(mail(fields="Return-path: <old@bank.example>\nEnvelope-to: x@y.example\n"),
                     canon="simple/simple")
    queue_id = deliver(lab, message, sender="x@elsewhere.example", ip=STRANGER)
    want(lab.record(queue_id)["dkim"][0]["result"], "pass", "DKIM")


@suite.case("plain")
def a_large_header_block_passes(lab):
    fields = "".join("X-Field-%d: %s\n" % (i, "abcdefghi " * 9) for i in range(7000))
    queue_id = deliver(lab, mail(fields=fields))
    want(lab.record(queue_id)["dmarc"]["result"], "pass", "DMARC")
    want_in("X-Field-6999:", lab.message(queue_id), "message")


@suite.case("plain")
def a_large_signed_body_passes(lab):
    message = signed(mail(body="0123456789 abcdefghijklmnopqrstuvwxyz\n" * 60000))
    queue_id = deliver(lab, message, sender="x@elsewhere.example", ip=STRANGER)
    want(lab.record(queue_id)["dkim"][0]["result"], "pass", "DKIM")


@suite.case("plain")
def a_thousand_recipients_pass(lab):
    queue_id = deliver(lab, mail(), ["u%d@acme.test" % i for i in range(1000)])
    record = lab.record(queue_id)
    want(record["envelope"]["recipients"], 1000, "recipients in the record")
    want(set(lab.where(queue_id)), {"inbox acme"}, "places")


@suite.case("plain")
def an_empty_body_passes(lab):
    message = mail(body="").rstrip(b"\r\n") + b"\r\n\r\n"
    queue_id = deliver(lab, message)
    want(lab.record(queue_id)["body_bytes"], 0, "body_bytes")


@suite.case("plain")
def a_signed_message_with_an_empty_body_passes(lab):
    message = signed(mail(body="").rstrip(b"\r\n") + b"\r\n\r\n", canon="simple/simple")
    queue_id = deliver(lab, message, sender="x@elsewhere.example", ip=STRANGER)
    want(lab.record(queue_id)["dkim"][0]["result"], "pass", "DKIM")


@suite.case("plain")
def a_message_without_a_blank_line_passes(lab):
    queue_id = deliver(lab, b"From: <ann@bank.example>\r\nno field this\r\nmore\r\n")
    record = lab.record(queue_id)
    want(record["from"]["domain"], "bank.example", "Author Domain")
    want(record["body_bytes"], len("no field this\nmore\n"), "body_bytes")


@suite.case("plain")
def a_message_without_any_header_field_passes(lab):
    queue_id = deliver(lab, b"\r\nHello\r\n")
    want(lab.record(queue_id)["from"]["count"], 0, "authors")


@suite.case("plain")
def an_eight_bit_message_passes(lab):
    text = "Grüße\n"
    message = mail(subject="Grüße", body=text)
    queue_id = deliver(lab, signed(message), sender="x@elsewhere.example", ip=STRANGER)
    want(lab.record(queue_id)["dkim"][0]["result"], "pass", "DKIM")
    want_in(text, lab.message(queue_id), "message")


@suite.case("plain")
def bytes_that_are_no_utf8_pass_and_the_record_stays_json(lab):
    message = mail().replace(b"Subject: test", b"Subject: \xff\xfe\x80").replace(
        b"<1@client.example>", b"<\xff\xfe@client.example>")
    queue_id = deliver(lab, message)
    want(lab.record(queue_id)["dmarc"]["result"], "pass", "DMARC")


@suite.case("plain")
def a_nul_byte_in_the_body_passes(lab):
    queue_id = deliver(lab, mail(body="a\0b\n"))
    want(lab.record(queue_id)["body_bytes"], 4, "body_bytes")


@suite.case("plain")
def a_message_by_chunks_passes(lab):
    message = signed(mail(body="line one\nline two\n"), canon="simple/simple")
    with lab.smtp(STRANGER) as smtp:
        reply = smtp.message_bdat("x@elsewhere.example", ["joe@acme.test"],
                                  [message[:40], message[40:200], message[200:]])
        smtp.quit()
    want(reply.code, 250, "reply %r" % reply.lines)
    lab.settled(reply.queue_id)
    want(lab.record(reply.queue_id)["dkim"][0]["result"], "pass", "DKIM")


@suite.case("wireformat")
def a_message_kept_in_wire_format_passes(lab):
    message = signed(mail(body="line one\n.\nline two\n"), canon="simple/simple")
    with lab.smtp(STRANGER) as smtp:
        reply = smtp.message_bdat("x@elsewhere.example", ["joe@acme.test"], [message])
        smtp.quit()
    want(reply.code, 250, "reply %r" % reply.lines)
    lab.settled(reply.queue_id)
    want(lab.record(reply.queue_id)["dkim"][0]["result"], "pass", "DKIM")


@suite.case("wireformat")
def a_message_by_data_passes_beside_wire_format(lab):
    queue_id = deliver(lab, signed(mail(), canon="simple/simple"), sender="x@elsewhere.example",
                       ip=STRANGER)
    want(lab.record(queue_id)["dkim"][0]["result"], "pass", "DKIM")


@suite.case("rewriting")
def a_signature_over_a_rewritten_field_passes(lab):
    queue_id = deliver(lab, signed(mail(), canon="simple/simple"), sender="x@elsewhere.example",
                       ip=STRANGER)
    want_in("rewritten@bank.example", lab.message(queue_id), "the delivered message")
    record = lab.record(queue_id)
    want(record["dkim"][0]["result"], "pass", "DKIM")
    want(record["from"]["address"], "ann@bank.example", "author as sent")


@suite.case("adding_in_an_acl")
def a_field_added_in_an_acl_does_no_harm(lab):
    queue_id = deliver(lab, signed(mail()), sender="x@elsewhere.example", ip=STRANGER)
    want(lab.record(queue_id)["dkim"][0]["result"], "pass", "DKIM")
    want_in("X-Acl: was here", lab.message(queue_id), "message")


@suite.case("plain")
def two_messages_of_one_connection_do_not_mix(lab):
    ids = []
    with lab.smtp(BANK) as smtp:
        for message, sender in ((mail(), "ann@bank.example"),
                                (crlf("From: <al@open.example>\n\nother\n"), "al@open.example")):
            reply = smtp.message(sender, ["joe@acme.test"], message)
            want(reply.code, 250, "reply %r" % reply.lines)
            ids.append(reply.queue_id)
        smtp.quit()
    want([lab.record(i)["from"]["domain"] for i in ids], ["bank.example", "open.example"],
         "Author Domains")


@suite.case("plain")
def a_reset_and_a_client_that_leaves_in_the_middle_do_no_harm(lab):
    with lab.smtp(BANK) as smtp:
        want(smtp.envelope("ann@bank.example", ["joe@acme.test"]), None, "envelope")
        want(smtp.command("RSET").code, 250, "RSET")
        want(smtp.envelope("ann@bank.example", ["joe@acme.test"]), None, "envelope")
        smtp.command("DATA")
        smtp.send_raw(b"From: <ann@bank.example>\r\nSubj")
    deliver(lab, mail())


if __name__ == "__main__":
    sys.exit(suite.main())
