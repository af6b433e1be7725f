#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The DATA ACL asks by ${dlfunc}, with docs/exim/data.conf as it is shipped, and local_scan goes on
with the same decision. (Mistakes, and an Exim without ${dlfunc}: test_data_errors.py.)"""

import os
import signal
import sys

from asking import (CODES, DLFUNC, FILES, TENANTS, WORDS, asking, fields, last_record, ours, told,
                    word)
from common import (BANK, STRANGER, Lab, Suite, deliver, mail, refused, signed, want, want_in,
                    want_not_in, wait_for, zones)

suite = Suite()


@suite.lab
def plain(**daemon):
    return asking(acl_data="".join("  warn logwrite = ask %s=%s\n" % (w, word(w)) for w in WORDS)
                  + "  warn logwrite = ask seen=$h_Authentication-Results:\n"
                  + "       add_header = X-Site: %s\n" % word("dmarc")
                  + "  deny condition = ${if eq{$h_X-Virus:}{yes}}\n       message = a virus\n"
                  + "  discard condition = ${if eq{$h_X-Virus:}{dropped}}\n", **daemon)


@suite.case("plain", only=DLFUNC)
def the_acl_is_told_of_a_message_that_is_accepted(lab):
    queue_id = deliver(lab, signed(mail()))
    got = told(lab, queue_id)
    for name, value in (("verdict", "accept"), ("reply", ""), ("esc", ""), ("text", ""),
                        ("spf", "pass"), ("dkim", "pass"), ("arc", "none"), ("dmarc", "pass"),
                        ("policy", "reject"), ("from", "bank.example"), ("tenant", "acme"),
                        ("rule", "built-in:standard"), ("failure", "")):
        want(got.get(name), value, name)
    want(fields(lab, queue_id, "Authentication-Results"), [got["authres"]], "the field")
    want(fields(lab, queue_id, "X-Site"), ["pass"], "the site's field")
    record = lab.record(queue_id)
    want(record["applied"]["action"], "accept", "applied.action")
    want(record["applied"]["added"], 1, "applied.added")
    want(len(ours(lab, queue_id)), 1, "lines of ours")


@suite.case("plain", only=DLFUNC)
def forged_results_are_gone_before_the_rest_of_the_acl(lab):
    forged = "Authentication-Results: mx.lab.test; dmarc=pass\nX-Moonscan-Quarantine: *\n"
    queue_id = deliver(lab, mail(fields=forged), ip=STRANGER, to=["accept.x@acme.test"])
    want(told(lab, queue_id)["dmarc"], "fail", "dmarc")
    want_in("dmarc=fail", told(lab, queue_id)["authres"], "authres")
    want_in("dmarc=fail", told(lab, queue_id)["seen"], "what the ACL sees in the header")
    want_not_in("dmarc=pass", told(lab, queue_id)["seen"], "what the ACL sees in the header")
    want([len(fields(lab, queue_id, name)) for name in
          ("Authentication-Results", "X-Moonscan-Quarantine", "X-Site")], [1, 0, 1], "fields")
    want(lab.record(queue_id)["applied"]["removed_fields"], 2, "applied.removed_fields")


@suite.case("plain", only=DLFUNC)
def a_refusal_has_the_acls_code_on_each_line_and_is_recorded(lab):
    before, logged = len(lab.records()), len(lab.mainlog())
    want(refused(lab, mail(), ["reject.x@acme.test"]).lines,
         ["554-5.7.26 no, bank.example", "554 5.7.26 ask us"], "reply")
    record = last_record(lab, before)
    want(record["decision"]["action"], "reject", "decision.action")
    want(record["applied"], {"action": "refused"}, "applied")
    lines = lab.mainlog()[logged:]
    want(len([line for line in lines if " moonscan reject " in line]), 1, "lines of ours")
    want(len([line for line in lines if "rejected after DATA: moonscan tenants/acme.lua:" in line]),
         1, "lines of the ACL in %r" % lines)
    want_not_in("local_scan", "\n".join(lines), "Exim's log")
    want(refused(lab, mail(), ["defer.x@acme.test"]).lines, ["452 4.7.9 later"], "reply")
    want(last_record(lab, before + 1)["applied"], {"action": "refused"}, "applied")


@suite.case("plain", only=DLFUNC)
def a_refusal_by_the_site_behind_it_is_recorded(lab):
    before = len(lab.records())
    want(refused(lab, mail(fields="X-Virus: yes\n")).lines, ["550 a virus"], "reply")
    record = last_record(lab, before)
    want(record["decision"]["action"], "accept", "decision.action")
    want(record["applied"], {"action": "refused"}, "applied")
    want(lab.orphans(), [], "orphans")


@suite.case("plain", only=DLFUNC)
def what_the_acl_throws_away_is_recorded(lab):
    with lab.smtp(BANK) as smtp:
        reply = smtp.message("ann@bank.example", ["joe@acme.test"],
                             mail(fields="X-Virus: dropped\n"))
        smtp.quit()
    want(reply.code, 250, "reply")
    want(lab.record(reply.queue_id)["applied"],
         {"action": "accept", "added": 1, "difference": "recipients that an ACL removed: 1"},
         "applied")
    want(lab.where(reply.queue_id), [], "places")


@suite.case("plain", only=DLFUNC)
def local_scan_does_the_rest(lab):
    queue_id = deliver(lab, mail(), ["quarantine.x@acme.test"])
    want(told(lab, queue_id)["verdict"], "quarantine", "verdict")
    want(lab.where(queue_id), ["quarantine acme"], "places")
    queue_id = deliver(lab, mail(), ["accept.x@acme.test", "reject.x@beta.test"])
    want(told(lab, queue_id)["verdict"], "accept", "verdict of a split")
    want(told(lab, queue_id)["tenant"], "acme,beta", "tenants")
    want(sorted(lab.where(queue_id)), ["inbox acme", "quarantine beta"], "places")
    want(lab.record(queue_id)["decision"]["split"], True, "decision.split")
    queue_id = deliver(lab, mail(), ["discard.x@beta.test", "accept.x@acme.test",
                                     "accept.y@acme.test"])
    want(lab.where(queue_id), ["inbox acme"] * 2, "places")
    want(lab.record(queue_id)["applied"]["discarded_recipients"], 1, "discarded")
    with lab.smtp(BANK) as smtp:
        reply = smtp.message("ann@bank.example", ["discard.x@beta.test"], mail())
        smtp.quit()
    want(reply.code, 250, "reply")
    want(told(lab, reply.queue_id)["verdict"], "discard", "verdict")
    want(lab.record(reply.queue_id)["applied"]["discarded_recipients"], 1, "discarded")


@suite.case("plain", only=DLFUNC)
def messages_of_one_connection_are_told_apart(lab):
    before, logged = len(lab.records()), len(ours(lab))
    workers = set()
    with lab.smtp(BANK) as smtp:
        for to, code in (("joe", 250), ("reject.x", 554), ("reject.x", 554), ("accept.x", 250),
                         ("defer.x", 452), ("joe", 250)):
            reply = smtp.message("ann@bank.example", [to + "@acme.test"], mail(subject=to))
            want(reply.code, code, "reply to %s: %r" % (to, reply.lines))
            workers.update(lab.workers())
        smtp.quit()
    wait_for("the records", lambda: len(lab.records()) >= before + 6)
    wait_for("the worker to end", lambda: not lab.workers())
    want([record["applied"]["action"] for record in lab.records()[before:]],
         ["accept", "refused", "refused", "accept", "refused", "accept"], "what was applied")
    want(len({record["id"] for record in lab.records()[before:]}), 6, "ids")
    want(len(ours(lab)) - logged, 6, "lines of ours")
    want(len(workers), 1, "workers")


@suite.case("plain", only=DLFUNC)
def a_connection_that_ends_with_a_refusal_is_recorded(lab):
    before = len(lab.records())
    with lab.smtp(BANK) as smtp:
        smtp.message("ann@bank.example", ["reject.x@acme.test"], mail())
    want(last_record(lab, before)["applied"], {"action": "refused"}, "applied")


@suite.case("plain", only=DLFUNC)
def a_lost_record_of_a_refusal_is_told_by_its_own_id(lab):
    before = len(lab.records())
    with lab.smtp(BANK) as smtp:
        smtp.message("ann@bank.example", ["reject.x@acme.test"], mail())
        decided = ours(lab)[-1].split()[2]
        for pid in lab.workers():
            os.kill(pid, signal.SIGKILL)
        wait_for("the worker to end", lambda: not lab.workers())
        reply = smtp.message("ann@bank.example", ["joe@acme.test"], mail())
        smtp.quit()
    lost = ours(lab, reply.queue_id)[0]
    want_in("moonscan: decided %s, but worker " % decided, lost, "the line")
    want(last_record(lab, before)["id"], reply.queue_id, "the only record")


@suite.case("plain", only=DLFUNC)
def pipelined_messages_by_bdat_are_told_apart(lab):
    before, body = len(lab.records()), signed(mail())
    batch = b"".join(
        b"MAIL FROM:<ann@bank.example>\r\nRCPT TO:<%s@acme.test>\r\nBDAT %d\r\n%s"
        b"BDAT %d LAST\r\n%s" % (to, 40, body[:40], len(body) - 40, body[40:])
        for to in (b"reject.x", b"joe", b"reject.x", b"accept.x"))
    with lab.smtp(BANK) as smtp:
        smtp.send_raw(batch)
        codes = [smtp.read_reply() for _ in range(16)]
        smtp.quit()
    want([reply.code for reply in codes if reply.queue_id or reply.code == 554],
         [554, 250, 554, 250], "replies %r" % codes)
    wait_for("the records", lambda: len(lab.records()) >= before + 4)
    records = lab.records()[before:]
    want([(record["applied"]["action"], record["dkim"][0]["result"]) for record in records],
         [("refused", "pass"), ("accept", "pass")] * 2, "records")
    want(lab.orphans(), [], "orphans")


@suite.case("plain", only=DLFUNC)
def mail_that_is_not_looked_at_is_accepted_and_has_no_results(lab):
    for options in ({"ip": "127.0.0.1"}, {"ip": STRANGER, "to": ["reject.x@acme.test"]}):
        logged = len(lab.mainlog())
        with lab.smtp(options["ip"]) as smtp:
            if options["ip"] == STRANGER:
                smtp.command("AUTH PLAIN AHVzZXIAdXNlcg==")
            reply = smtp.message("ann@bank.example", options.get("to", ["joe@acme.test"]), mail())
            smtp.quit()
        want(reply.code, 250, "reply %r" % reply.lines)
        lab.settled(reply.queue_id)
        got = told(lab, reply.queue_id)
        want(got.pop("verdict"), "accept", "verdict")
        got.pop("seen")
        want(set(got.values()), {""}, "other words")
        want(ours(lab, reply.queue_id), [], "lines in %r" % lab.mainlog()[logged:])
        want(fields(lab, reply.queue_id, "Authentication-Results"), [], "fields")


@suite.case("plain", only=DLFUNC)
def a_session_by_hand_is_told_and_not_recorded(lab):
    before = len(lab.records())
    session = ["EHLO there", "MAIL FROM:<ann@bank.example>", "RCPT TO:<reject.x@acme.test>",
               "DATA", "From: <ann@bank.example>", "", "Hello", ".", "QUIT", ""]
    _, out, _ = lab.run(lab.exim + ["-bh", BANK], input="\r\n".join(session).encode())
    want_in("554 5.7.26 ask us", out, "replies")
    want(len(lab.records()), before, "records")


# --- a content scanner behind it -----------------------------------------------------------------

@suite.lab
def scanned(**daemon):
    """The scanner prints what it sees of the field, and that is its virus's name."""
    return asking(main=CODES + "av_scanner = cmdline:/bin/grep -rh -A9 --include=*.eml "
                  "^Authentication-Results %s:mx.lab.test:dmarc=(pass|fail)\n",
                  acl_data="  warn malware = */defer_ok\n"
                  "       logwrite = scanner: $malware_name verdict: $acl_m_moonscan_verdict\n",
                  **daemon)


@suite.case("scanned", only=DLFUNC)
def a_content_scanner_sees_our_results(lab):
    for ip, result in ((BANK, "pass"), (STRANGER, "fail")):
        queue_id = deliver(lab, mail(), ["accept.x@acme.test"], ip=ip)
        lines = [line for line in lab.mainlog(queue_id) if " scanner: " in line]
        want([line.split(" scanner: ")[1] for line in lines], [result + " verdict: accept"],
             "what the scanner saw")


# --- what happens while the ACL goes on ----------------------------------------------------------

@suite.lab
def held(**daemon):
    """The ACL waits for the test to write a line."""
    return asking(acl_data="  warn logwrite = held ${readfile{$spool_directory/hold}}\n", **daemon)


def hold(lab, act):
    """A message with `act` done between its decision and the end of the ACL; its id."""
    fifo = lab.path("spool/hold")
    if not os.path.exists(fifo):
        os.mkfifo(fifo)
        lab.own(fifo)
    with lab.smtp(BANK) as smtp:
        want(smtp.envelope("ann@bank.example", ["joe@acme.test"]), None, "envelope")
        want(smtp.data_start(mail()), None, "DATA")
        with open(fifo, "w", encoding="ascii") as line:  # opens when Exim reads
            act()
            line.write("go\n")
        reply = smtp.read_reply()
        smtp.quit()
    want(reply.code, 250, "reply %r" % reply.lines)
    lab.settled(reply.queue_id)
    want(lab.where(reply.queue_id), ["inbox acme"], "places")
    want(len(fields(lab, reply.queue_id, "Authentication-Results")), 1, "fields")
    return reply.queue_id


@suite.case("held", only=DLFUNC)
def a_decision_outlives_its_worker(lab):
    def kill():
        for pid in lab.workers():
            os.kill(pid, signal.SIGKILL)
        wait_for("the worker to end", lambda: not lab.workers())
    queue_id = hold(lab, kill)
    lines = ours(lab, queue_id)
    want(len(lines), 2, "lines %r" % lines)
    want_in("moonscan accept ", lines[0], "the decision")
    want_in("before it could be told what was done", lines[1], "the loss")
    want(lab.records(queue_id), [], "records")


@suite.case("held", only=DLFUNC)
def a_service_that_is_stopped_waits_a_moment_for_the_rest_of_the_acl(lab):
    service = lab.start_service("--spare", "1")
    workers = []

    def stop():
        workers.extend(lab.workers())
        os.kill(service.pid, signal.SIGTERM)
    queue_id = hold(lab, stop)
    want(lab.record(queue_id)["applied"]["action"], "accept", "applied.action")
    want(len(ours(lab, queue_id)), 1, "lines")
    want(service.wait(), 0, "status of the service")
    want(lab.workers(), [], "workers")


@suite.case("plain", only=DLFUNC)
def a_service_is_asked_once_and_told_of_refusals(lab):
    service = lab.start_service("--spare", "1")
    before = len(lab.records())
    with lab.smtp(BANK) as smtp:
        for to in ("reject.x", "joe", "reject.x"):
            smtp.message("ann@bank.example", [to + "@acme.test"], mail())
        smtp.quit()
    wait_for("the records", lambda: len(lab.records()) >= before + 3)
    want([record["applied"]["action"] for record in lab.records()[before:]],
         ["refused", "accept", "refused"], "what was applied")
    service.terminate()
    want(service.wait(), 0, "status of the service")


@suite.lab
def only_asking(**daemon):
    return Lab(zones=zones(), files=FILES, tenants=TENANTS,
               acl_data="  warn logwrite = ask verdict=%s\n" % word("verdict"), **daemon)


@suite.case("only_asking", only=DLFUNC)
def an_acl_that_only_asks_leaves_refusals_to_local_scan(lab):
    before, logged = len(lab.records()), len(lab.mainlog())
    want(refused(lab, mail(), ["reject.x@acme.test"]).lines,
         ["550-5.7.26 no, bank.example", "550 5.7.26 ask us"], "reply")
    want(last_record(lab, before)["applied"], {"action": "reject"}, "applied")
    lines = lab.mainlog()[logged:]
    want(len([line for line in lines if line.endswith(" ask verdict=reject")]), 1, "questions")
    want(len([line for line in lines if " rejected by local_scan()" in line]), 1, "refusals")


# --- other ways of Exim's ------------------------------------------------------------------------

@suite.lab
def otherwise(**daemon):
    """Spool files in subfolders, messages by BDAT as they came, and an ACL for each recipient."""
    return asking(main=CODES + "split_spool_directory = true\nspool_wireformat = true\n"
                  "prdr_enable = true\nacl_smtp_data_prdr = acl_prdr\n",
                  acl_data="  accept\n\nacl_prdr:\n"
                  "  warn logwrite = prdr $local_part %s\n"
                  "  deny condition = ${if eq{$local_part}{discard.a}}\n" % word("verdict"),
                  **daemon)


@suite.case("otherwise", only=DLFUNC)
def the_body_is_found_wherever_the_spool_file_is(lab):
    body = signed(mail())
    with lab.smtp(BANK) as smtp:
        replies = [smtp.message_bdat("ann@bank.example", ["joe@acme.test"], [body]),
                   smtp.message("ann@bank.example", ["joe@acme.test"], body)]
        smtp.quit()
    for reply in replies:
        lab.settled(reply.queue_id)
        want(lab.record(reply.queue_id)["dkim"][0]["result"], "pass", "DKIM")


@suite.case("otherwise", only=DLFUNC)
def recipients_that_an_acl_refuses_shift_nobody_elses_decision(lab):
    with lab.smtp(BANK) as smtp:
        smtp.envelope("ann@bank.example",
                      ["discard.%s@beta.test" % c for c in "ab"] + ["accept.x@acme.test"], " PRDR")
        smtp.data_start(mail())
        replies = [smtp.read_reply() for _ in range(5)]
        smtp.quit()
    want([reply.code for reply in replies], [353, 550, 250, 250, 250], "replies %r" % replies)
    queue_id = replies[-1].queue_id
    lab.settled(queue_id)
    want(lab.where(queue_id), ["inbox acme"], "places")
    want(lab.record(queue_id)["applied"]["discarded_recipients"], 1, "discarded")
    want(len([line for line in lab.mainlog(queue_id) if " prdr " in line]), 3, "questions")
    want(len(ours(lab, queue_id)), 1, "lines of ours")


if __name__ == "__main__":
    sys.exit(suite.main())
