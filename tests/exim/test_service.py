#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The service beside Exim: its spare workers serve the connections; when it is busy, stopped, killed
or gone, Exim's own workers do, and no client notices."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

from common import (BANK, Lab, Service, Suite, deliver, mail, own_workers, policy, want, want_in,
                    wait_for, zones)

suite = Suite()
SILENT = "_dmarc.silent.example"


@suite.lab
def with_service(**daemon):
    return Lab(zones=zones(), config={"dns.timeout_ms": 20000, "dns.cache_seconds": 0},
               environment={"MOONSCAN_TIMEOUT": "25"}, **daemon)


def publish(lab, reason, **settings):
    lab.files["site.lua"] = policy('  return moon.accept { reason = "%s" }' % reason)
    lab.publish({"authserv_id": "mx.lab.test", "quarantine": "router",
                 "dns.servers": ["127.0.0.1:%d" % lab.dns_port], "dns.cache_seconds": 0,
                 "log.path": lab.decisions, "log.service_path": lab.decisions, **settings})


def status_of(pid, name):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return next(line.split()[1] for line in file if line.startswith(name + ":"))


def switches_of(pid):
    return int(status_of(pid, "voluntary_ctxt_switches"))


def is_waiting(pid):
    """Behind its filter it sleeps in epoll only to wait for connections."""
    return status_of(pid, "Seccomp") == "2" and status_of(pid, "State") == "S"


def record_of(lab, **options):
    return lab.record(deliver(lab, mail(), **options))


class Slow:
    """A message whose worker waits for a name server that says nothing, until it is let go."""

    def __init__(self, lab):
        self.lab = lab
        lab.relay.silent.add(SILENT)
        del lab.relay.asked[:]
        self.smtp = lab.smtp(BANK)
        want(self.smtp.envelope("x@open.example", ["joe@acme.test"]), None, "envelope")
        want(self.smtp.data_start(mail(author="al@silent.example")), None, "DATA")
        want(lab.relay.wait_asked(SILENT), True, "the worker asks for the silent name")

    def go_on(self):
        """The reply, once the name server speaks again."""
        self.lab.relay.silent.clear()
        reply = self.smtp.read_reply()
        self.smtp.quit()
        self.smtp.close()
        return reply


@suite.case("with_service")
def connections_are_served_by_spare_workers(lab):
    with Service(lab, "--spare", "2") as service:
        with lab.smtp(BANK) as smtp:
            for _ in range(3):
                reply = smtp.message("ann@bank.example", ["joe@acme.test"], mail())
                want(reply.code, 250, "reply %r" % reply.lines)
                want(own_workers(lab), [], "workers that Exim started")
                want(lab.record(reply.queue_id)["spf"]["result"], "pass", "SPF")
            smtp.quit()
        wait_for("two spare workers", lambda: len(service.workers()) >= 2)


@suite.case("with_service")
def a_connection_wakes_one_worker_and_lets_the_others_sleep(lab):
    with Service(lab, "--spare", "4", "--workers", "4") as service:
        wait_for("four workers that wait", lambda: len(service.workers()) == 4 and all(
            map(is_waiting, service.workers())))
        before = {pid: status_of(pid, "voluntary_ctxt_switches") for pid in service.workers()}
        for _ in range(3):
            record_of(lab)
        asleep = [pid for pid, was in before.items()
                  if status_of(pid, "voluntary_ctxt_switches") == was]
        want(asleep != [], True, "one of four has slept through three connections")


@suite.case("with_service")
def messages_wake_no_supervisor(lab):
    with Service(lab, "--spare", "2") as service:
        record_of(lab)
        wait_for("three workers that wait", lambda: len(service.workers()) == 3 and all(
            map(is_waiting, service.workers())))
        record_of(lab)
        began, before = time.monotonic(), switches_of(service.process.pid)
        for _ in range(30):
            record_of(lab)
        woken, seconds = switches_of(service.process.pid) - before, time.monotonic() - began
        # It looks once a second in any case. A worker that takes a connection unheard costs nothing.
        want(woken <= 15 + 2 * seconds, True, "woken %d times in %d s" % (woken, seconds))


@suite.case("with_service")
def connections_at_once_leave_spare_workers(lab):
    with Service(lab, "--spare", "2", "--workers", "9") as service:
        for _ in range(3):
            with contextlib.ExitStack() as stack:
                for number in range(1, 6):
                    smtp = stack.enter_context(lab.smtp(BANK))
                    reply = smtp.message("ann@bank.example", ["joe@acme.test"], mail())
                    want(reply.code, 250, "reply %r" % reply.lines)
                    wait_for("two workers beside %d connections" % number,
                             lambda: sum(map(is_waiting, service.workers())) >= 2)
        want(own_workers(lab), [], "workers that Exim started")


@suite.case("with_service")
def a_worker_is_replaced_after_a_thousand_connections(lab):
    def hang_up():
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(lab.path("run/scan.sock"))
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass

    with Service(lab, "--spare", "1", "--workers", "1") as service:
        wait_for("the worker", lambda: len(service.workers()) == 1 and all(
            map(is_waiting, service.workers())))
        first = service.workers()
        for _ in range(999):
            hang_up()
        want(service.workers(), first, "workers after 999 connections")
        hang_up()
        wait_for("another worker", lambda: service.workers() not in ([], first))
        want(record_of(lab)["spf"]["result"], "pass", "what the other one says")
        want(own_workers(lab), [], "workers that Exim started")


def slot_address(pid):
    with open("/proc/%d/maps" % pid, encoding="ascii") as file:
        return next(int(line.split("-")[0], 16) for line in file if "moonscan-slot" in line)


@suite.case("with_service")
def a_worker_that_writes_nonsense_into_its_slot_hurts_nobody(lab):
    with Service(lab, "--spare", "2", "--workers", "6") as service:
        for nonsense in (b"\0" * 8, b"\xff" * 8, b"i" * 8, b"l\0\0\0\1\0\0\0", os.urandom(4096)):
            wait_for("a worker that waits", lambda: any(map(is_waiting, service.workers())))
            for pid in filter(is_waiting, service.workers()):
                with open("/proc/%d/mem" % pid, "r+b", buffering=0) as memory:
                    memory.seek(slot_address(pid))
                    memory.write(nonsense)
            record_of(lab)
        for pid in service.workers():
            os.kill(pid, signal.SIGKILL)
        wait_for("two new workers", lambda: sum(map(is_waiting, service.workers())) >= 2)
        record_of(lab)
        want(own_workers(lab), [], "workers that Exim started")


@suite.case("with_service")
def a_slow_message_holds_up_no_other(lab):
    with Service(lab, "--spare", "1"):
        slow = Slow(lab)
        for _ in range(3):
            record_of(lab)
        want(own_workers(lab), [], "workers that Exim started")
        want(slow.go_on().code, 250, "the slow one")


@suite.case("with_service")
def a_published_snapshot_is_in_force_at_the_next_connection(lab):
    with Service(lab, "--spare", "1"):
        before = record_of(lab)
        publish(lab, "the new one")
        after = record_of(lab)
        want(after["snapshot"] != before["snapshot"], True, "another snapshot")
        want(after["verdicts"][0]["reason"], "the new one", "its policy decides")
        want(own_workers(lab), [], "workers that Exim started")


@suite.case("with_service")
def a_connection_that_a_worker_of_the_old_snapshot_leaves_is_taken_by_a_fresh_one(lab):
    with Service(lab, "--spare", "1", "--workers", "4") as service:
        with lab.smtp(BANK) as one, lab.smtp(BANK) as two, lab.smtp(BANK) as three:
            for smtp in (one, two, three):
                reply = smtp.message("ann@bank.example", ["joe@acme.test"], mail())
                want(reply.code, 250, "reply %r" % reply.lines)
                wait_for("a spare worker", lambda: any(map(is_waiting, service.workers())))
            for smtp in (one, two, three):
                smtp.quit()
        wait_for("four workers that wait", lambda: len(service.workers()) == 4 and all(
            map(is_waiting, service.workers())))
        publish(lab, "the next one")
        with lab.smtp(BANK) as smtp:
            reply = smtp.message("ann@bank.example", ["joe@acme.test"], mail())
            want(reply.code, 250, "reply %r" % reply.lines)
            want(own_workers(lab), [], "workers that Exim started")
            smtp.quit()
        want(lab.record(reply.queue_id)["verdicts"][0]["reason"], "the next one", "its policy decides")


@suite.case("with_service")
def a_killed_worker_is_replaced_and_its_message_decided_by_another(lab):
    with Service(lab, "--spare", "1") as service:
        slow = Slow(lab)
        busy = [pid for pid in service.workers() if os.path.exists("/proc/%d" % pid)]
        for pid in busy:
            os.kill(pid, signal.SIGKILL)
        wait_for("Exim's own worker", lambda: own_workers(lab))
        reply = slow.go_on()
        want(reply.code, 250, "reply %r" % reply.lines)
        lab.settled(reply.queue_id)
        want(lab.where(reply.queue_id), ["inbox acme"], "place")
        lab.record(reply.queue_id)
        want(lab.orphans(), [], "orphans in the spool")
        wait_for("a new spare worker", lambda: set(service.workers()) - set(busy))
        want_in("was ended by signal 9", lab.read("log/service"), "the service's log")


@suite.case("with_service")
def a_service_that_is_killed_is_replaced_by_workers_of_exim_and_comes_back(lab):
    with Service(lab) as service:
        record_of(lab)
        service.end(signal.SIGKILL)
        with lab.smtp(BANK) as smtp:
            reply = smtp.message("ann@bank.example", ["joe@acme.test"], mail())
            want(reply.code, 250, "reply %r" % reply.lines)
            want(len(own_workers(lab)), 1, "workers that Exim started")
            smtp.quit()
        lab.record(reply.queue_id)
        service.process = lab.start_service()
        record_of(lab)
        want(own_workers(lab), [], "workers that Exim started")


@suite.case("with_service")
def stopped_workers_are_left_after_a_moment(lab):
    with Service(lab, "--spare", "1", "--workers", "1") as service:
        stopped = service.workers()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        record_of(lab)
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        record_of(lab)


@suite.case("with_service")
def the_service_ends_when_the_message_in_hand_is_done(lab):
    with Service(lab, "--spare", "2") as service:
        slow = Slow(lab)
        os.kill(service.process.pid, signal.SIGTERM)
        wait_for("the idle worker to end", lambda: len(service.workers()) == 1)
        reply = slow.go_on()
        want(reply.code, 250, "reply %r" % reply.lines)
        lab.record(reply.queue_id)
        want(service.process.wait(), 0, "status of the service")
        want(os.path.exists(lab.path("run/scan.sock")), False, "the socket is there")


@suite.case("with_service")
def a_socket_that_exim_may_not_use_is_told_in_its_log(lab):
    with Service(lab, "--spare", "1"):
        os.chmod(lab.path("run/scan.sock"), 0)
        with lab.smtp(BANK) as smtp:
            lines = []
            for _ in range(2):
                reply = smtp.message("ann@bank.example", ["joe@acme.test"], mail())
                want(reply.code, 250, "reply %r" % reply.lines)
                lines.append("".join(lab.mainlog(reply.queue_id)))
            want(len(own_workers(lab)), 1, "workers that Exim started")
            smtp.quit()
        want_in('trouble="service on %s: Permission denied; ' % lab.path("run/scan.sock"),
                lines[0], "the log line of the connection's first message")
        want("Permission denied" in lines[1], False, "told again")
        os.chmod(lab.path("run/scan.sock"), 0o660)
        want("Permission denied" in "".join(lab.mainlog(deliver(lab, mail()))), False, "told still")


@suite.case("with_service")
def two_services_do_not_share_a_socket(lab):
    with Service(lab):
        status, _, err = lab.run([lab.program, "serve", "--socket", lab.path("run/scan.sock")])
        want(status, 3, "status")
        want_in("another service answers there", err, "what it says")
        record_of(lab)


@suite.case("with_service")
def the_service_writes_a_log_of_its_own(lab):
    path = lab.path("decisions/service.jsonl")
    publish(lab, "another log", **{"log.service_path": path})
    with Service(lab):
        queue_id = deliver(lab, mail())
        wait_for("its record", lambda: queue_id in lab.read(path))
    want(lab.records(queue_id), [], "records in the other log")


@suite.case("with_service")
def a_worker_that_starts_while_its_service_dies_ends(lab):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(lab.path("run/nobody.sock"))
        listening.listen(1)
        heard, said = os.pipe()
        os.close(heard)
        worker = lab.as_user(["/bin/sh", "-c", "exec %s worker --spare --snapshot %s 3<&%d 4>&%d" % (
            lab.program, lab.path("state/current"), listening.fileno(), said)],
            pass_fds=(listening.fileno(), said), stdin=subprocess.DEVNULL)
        os.close(said)
        lab.started.append(worker)
        want(worker.wait(60), 0, "status")


if __name__ == "__main__":
    sys.exit(suite.main())
