#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A worker that dies, hangs, or is not there: the client gets the failure verdict, Exim's log one
line, the spool no orphan, and the next message of the connection works."""

import os
import signal
import sys

from common import (BANK, STRANGER, Failed, Lab, Suite, deliver, header_part, mail, refused, want,
                    want_in, want_not_in, wait_for, zones)

suite = Suite()
SILENT = "_dmarc.silent.example"
# Long enough for a busy machine, short enough for a test: the worker waits for DNS for half of it.
ENVIRONMENT = {"MOONSCAN_TIMEOUT": "8"}
CONFIG = {"dns.timeout_ms": 20000, "dns.cache_seconds": 0}


@suite.lab
def deferring(**daemon):
    return Lab(zones=zones(), config=CONFIG, environment=ENVIRONMENT, **daemon)


@suite.lab
def accepting(**daemon):
    return Lab(zones=zones(), config=CONFIG,
               environment=dict(ENVIRONMENT, MOONSCAN_FAILURE="accept"), **daemon)


@suite.lab
def without_program(**daemon):
    return Lab(zones=zones(), environment={"MOONSCAN_PROGRAM": "/nonexistent/moonscan"}, **daemon)


@suite.lab
def without_snapshot(**daemon):
    return Lab(zones=zones(), snapshot=False, **daemon)


@suite.lab
def with_a_damaged_snapshot(**daemon):
    return Lab(zones=zones(), snapshot=False, environment={"MOONSCAN_SNAPSHOT": "/etc/passwd"},
               **daemon)


@suite.lab
def without_a_log(**daemon):
    return Lab(zones=zones(), config={"log.path": "/proc/nonexistent/decisions.jsonl"}, **daemon)


def silent_mail():
    return mail(author="al@silent.example")


def strike(lab, number, answer):
    """Sends a message, and the signal to its worker while that waits for the silent name; then a
    second message by the same connection. Returns the first reply."""
    lab.relay.silent.add(SILENT)
    del lab.relay.asked[:]
    logged = len(lab.mainlog())
    with lab.smtp(BANK) as smtp:
        want(smtp.envelope("x@open.example", ["joe@acme.test"]), None, "envelope")
        want(smtp.data_start(silent_mail()), None, "DATA")
        want(lab.relay.wait_asked(SILENT), True, "the worker asks for the silent name")
        workers = lab.workers()
        want(len(workers), 1, "workers")
        os.kill(workers[0], number)
        reply = smtp.read_reply()
        want(reply.lines[0].startswith(answer), True, "reply %r" % reply.lines)
        lines = [line for line in lab.mainlog()[logged:] if " moonscan" in line]
        want(len(lines), 1, "lines of ours in %r" % lab.mainlog()[logged:])
        want(lab.orphans(), [], "orphans in the spool")
        second = smtp.message("ann@bank.example", ["joe@acme.test"], mail())
        want(second.code, 250, "the next message of the connection: %r" % second.lines)
        want(lab.workers() != workers, True, "a new worker")
        smtp.quit()
    lab.settled(second.queue_id)
    want(lab.where(second.queue_id), ["inbox acme"], "place of the next message")
    want(lab.record(second.queue_id)["spf"]["result"], "pass", "its SPF result")
    wait_for("the workers to end", lambda: not lab.workers())
    return reply, lines[0]


@suite.case("deferring")
def a_worker_killed_by_SIGKILL_defers_the_message(lab):
    _, line = strike(lab, signal.SIGKILL, "451 4.3.0 ")
    want_in("signal 9", line, "log line")


@suite.case("deferring")
def a_worker_that_crashes_by_SIGSEGV_defers_the_message(lab):
    strike(lab, signal.SIGSEGV, "451 4.3.0 ")


@suite.case("deferring")
def a_worker_that_aborts_defers_the_message(lab):
    strike(lab, signal.SIGABRT, "451 4.3.0 ")


@suite.case("deferring")
def a_stopped_worker_defers_the_message_when_its_time_is_over(lab):
    strike(lab, signal.SIGSTOP, "451 4.3.0 ")


@suite.case("deferring")
def the_failure_says_nothing_of_the_inside(lab):
    reply, _ = strike(lab, signal.SIGKILL, "451 4.3.0 ")
    for word in ("worker", "signal", "lua", "/"):
        want_not_in(word, reply.text, "reply")


@suite.case("deferring")
def a_client_that_leaves_takes_its_worker_along(lab):
    lab.relay.silent.add(SILENT)
    del lab.relay.asked[:]
    smtp = lab.smtp(STRANGER)
    smtp.message("ann@bank.example", ["joe@acme.test"], mail())
    want(len(lab.workers()), 1, "workers")
    smtp.close()
    wait_for("the worker to end", lambda: not lab.workers())


@suite.case("deferring")
def a_worker_killed_between_two_messages_is_replaced_unnoticed(lab):
    with lab.smtp(BANK) as smtp:
        first = smtp.message("ann@bank.example", ["joe@acme.test"], mail())
        want(first.code, 250, "first reply")
        lab.record(first.queue_id)
        os.kill(lab.workers()[0], signal.SIGKILL)
        wait_for("its end", lambda: not lab.workers())
        second = smtp.message("ann@bank.example", ["joe@acme.test"], mail())
        want(second.code, 250, "second reply %r" % second.lines)
        smtp.quit()
    lab.record(second.queue_id)


@suite.case("deferring")
def ten_connections_at_once_have_ten_workers_and_leave_none(lab):
    clients = [lab.smtp(BANK) for _ in range(10)]
    for smtp in clients:
        smtp.envelope("ann@bank.example", ["joe@acme.test"])
        smtp.data_start(mail())
    replies = [smtp.read_reply() for smtp in clients]
    want([r.code for r in replies], [250] * 10, "replies")
    want(len(lab.workers()), 10, "workers")
    for smtp in clients:
        smtp.quit()
    wait_for("the workers to end", lambda: not lab.workers())


@suite.case("accepting")
def the_failure_verdict_accept_takes_the_message_with_a_field(lab):
    reply, _ = strike(lab, signal.SIGKILL, "250 ")
    lab.settled(reply.queue_id)
    want(lab.where(reply.queue_id), ["inbox acme"], "place")
    fields = [f for f in header_part(lab.message(reply.queue_id)) if f.startswith("X-Moonscan-")]
    want(len(fields), 1, "fields %r" % fields)


@suite.case("accepting")
def a_message_that_nobody_evaluated_brings_no_results(lab):
    forged = ("Authentication-Results: mx.lab.test; dmarc=pass header.from=forged.example\n"
              "authentication-RESULTS\n : mx.lab.test; spf=pass smtp.mailfrom=forged.example\n"
              "x-moonscan-forged.example: 1\n")
    queue_id = deliver(lab, mail(fields=forged + "A:\n" * 100001))
    text = lab.message(queue_id)
    want_not_in("forged.example", text.replace("A:\n", ""), "message")
    want_in("\nX-Moonscan-Failure: ", text, "message")


@suite.case("without_program")
def a_missing_program_defers_and_says_what_to_do(lab):
    before = len(lab.mainlog())
    reply = refused(lab, mail())
    want(reply.lines[0].startswith("451 4.3.0 "), True, "reply %r" % reply.lines)
    want_not_in("nonexistent", reply.text, "reply")
    lines = [line for line in lab.mainlog()[before:] if " moonscan" in line]
    want(len(lines), 1, "lines of ours in %r" % lab.mainlog()[before:])
    want_in("MOONSCAN_PROGRAM", lines[0], "log line")


@suite.case("without_snapshot")
def without_a_snapshot_the_built_in_policy_decides(lab):
    # Its resolvers are those of the machine, and the test must not ask them: an address literal
    # and a name that no DNS has would; an authorless message has nothing to ask for.
    message = mail().replace(b"From: <ann@bank.example>\r\n", b"")
    queue_id = deliver(lab, message, sender="", ip=STRANGER, helo="[127.0.6.66]")
    want(lab.where(queue_id), ["inbox acme"], "place")
    lines = [line for line in lab.mainlog(queue_id) if " moonscan" in line]
    want(len(lines), 1, "lines of ours")
    want_in("snapshot=built-in", lines[0], "log line")


@suite.case("with_a_damaged_snapshot")
def a_damaged_snapshot_defers_with_one_line(lab):
    before = len(lab.mainlog())
    reply = refused(lab, mail())
    want(reply.lines[0].startswith("451 4.3.0 "), True, "reply %r" % reply.lines)
    lines = [line for line in lab.mainlog()[before:] if " moonscan" in line]
    want(len(lines), 1, "lines of ours in %r" % lab.mainlog()[before:])
    want_in("/etc/passwd: the snapshot cannot be used", lines[0], "log line")


@suite.case("without_a_log")
def a_log_that_cannot_be_written_changes_no_mail_and_is_told(lab):
    with lab.smtp(BANK) as smtp:
        ids = [smtp.message("ann@bank.example", ["joe@acme.test"], mail()).queue_id
               for _ in range(2)]
        smtp.quit()
    for queue_id in ids:
        lab.settled(queue_id)
        want(lab.where(queue_id), ["inbox acme"], "place")
        want_in("trouble=\"decision log ", " ".join(lab.mainlog(queue_id)), "log of each message")


@suite.case("deferring")
def a_worker_is_confined_and_holds_nothing_of_exims(lab):
    with lab.smtp(BANK) as smtp:
        want(smtp.message("ann@bank.example", ["joe@acme.test"], mail()).code, 250, "reply")
        worker = lab.workers()[0]
        with open("/proc/%d/status" % worker, encoding="latin-1") as file:
            status = dict(line.split(":", 1) for line in file if ":" in line)
        want(status["NoNewPrivs"].strip(), "1", "no_new_privs")
        if not os.environ.get("MOON_WORKER"):  # a build with sanitizers has no filter
            want(status["Seccomp"].strip(), "2", "seccomp")
        try:
            files = [os.readlink("/proc/%d/fd/%s" % (worker, fd))
                     for fd in os.listdir("/proc/%d/fd" % worker)]
        except PermissionError:
            files = []  # it does not show its files to its own user: as it should be
        want([f for f in files if "spool" in f or "log" in f], [], "files of Exim's")
        smtp.quit()


if __name__ == "__main__":
    sys.exit(suite.main())
