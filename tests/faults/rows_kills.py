# SPDX-License-Identifier: MIT
"""rows_kills: ten thousand messages while workers, and in the second half the service, are killed at
random. Every message is delivered once, in quarantine once, or the client was told that it is not
taken.

What is killed when is drawn from a seed (MOON_SEED, else 1); what it hits depends on the machine.
"""

import os
import random
import signal
import sys
import threading
import time

from common import Service, is_spare, want

from campaign import fault, lab
from fault_lab import FaultLab
from ledger import records

MESSAGES, SHORT = 5000, 150  # of each half
CONNECTIONS = 6
# How a worker ends. One of Exim's own may also stop for ever: then the module's time runs out.
SIGNALS = [signal.SIGKILL] * 24 + [signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM] * 4
SEED = int(os.environ.get("MOON_SEED", "1"))


@lab
def killing(**daemon):
    return FaultLab(relayed=False, **daemon)


@lab
def killing_asked(**daemon):
    """The DATA ACL asks, and refuses what shall be refused."""
    return FaultLab(relayed=False, data="acl_moonscan_data", **daemon)


class Killer(threading.Thread):
    """Ends workers while mail comes in, one every few hundredths of a second."""

    def __init__(self, its_lab, load, service=None):
        super().__init__(daemon=True)
        self.lab, self.load, self.service = its_lab, load, service
        self.random = random.Random(SEED)
        self.signals = SIGNALS + ([] if service else [signal.SIGSTOP])
        self.workers, self.services = 0, 0
        self.error = None

    def run(self):
        try:
            next_service = time.monotonic() + 1.0
            while self.load.running():
                time.sleep(self.random.uniform(0.01, 0.06))
                self.kill_worker()
                if self.service and time.monotonic() > next_service:
                    self.kill_service()
                    next_service = time.monotonic() + self.random.uniform(1.0, 4.0)
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def kill_worker(self):
        found = self.lab.workers()
        if not found:
            return
        try:
            os.kill(self.random.choice(found), self.random.choice(self.signals))
            self.workers += 1
        except ProcessLookupError:
            pass  # it has ended by itself

    def let_go(self):
        """Whoever was stopped between two messages, the last of its connection behind it, nobody
        waits for: it ends as soon as it can."""
        for pid in self.lab.workers():
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass

    def kill_service(self):
        """At once or gracefully; the next one comes at once, or after a while without any."""
        number = self.random.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM))
        self.service.end(number)  # and, as systemd does, what is left of its workers
        time.sleep(self.random.choice((0.0, 0.0, 0.5)))
        self.service.start()
        self.services += 1


def progress(run, load, killer):
    """How far it is: a line of its own that a terminal overwrites, else one now and then."""
    shown, terminal = time.monotonic(), sys.stderr.isatty()
    while load.running():
        time.sleep(0.2)
        if time.monotonic() - shown < (0.5 if terminal else 15):
            continue
        shown = time.monotonic()
        sys.stderr.write("%s# %s: %d messages, %d workers and %d services killed%s" % (
            "\r" if terminal else "", run.row.name, load.answered, killer.workers, killer.services,
            "" if terminal else "\n"))
        sys.stderr.flush()
    if terminal:
        sys.stderr.write("\r\033[K")


def messages_and_kills(run, service=None, count=MESSAGES):
    its_lab = run.lab
    before = {record["id"] for record in records(its_lab.decisions)[0]}
    with run.ledger.load(run.count(count, SHORT), CONNECTIONS, each=5) as load:
        killer = Killer(its_lab, load, service)
        killer.start()
        progress(run, load, killer)
    killer.join()
    killer.let_go()
    want(killer.error, None, "the killer's trouble")
    want(killer.workers > 0, True, "workers were killed")
    deferred = sum(sent.told.startswith("451") for sent in run.ledger.sent)
    run.ledger.settle()
    known = {record["id"] for record in records(its_lab.decisions)[0]} - before
    unrecorded = sum(sent.taken and sent.queue_id not in known for sent in run.ledger.sent)
    # A record is written after the answer: whoever is killed in between leaves none.
    want(unrecorded <= killer.workers, True, "%d messages without a record" % unrecorded)
    run.found_log = ("%d workers%s killed: %d deferred, %d without a record" % (
        killer.workers, " and %d services" % killer.services if service else "", deferred,
        unrecorded))


@fault("killing", "random kills of workers", told=("250", "550 5.7.1"), may=("451 4.3.0",))
def embedded(run):
    messages_and_kills(run)


@fault("killing", "random kills of workers and of the service", told=("250", "550 5.7.1"),
       may=("451 4.3.0",))
def with_service(run):
    with Service(run.lab, "--spare", "4") as service:
        messages_and_kills(run, service)
        want([pid for pid in run.lab.workers() if not is_spare(pid)], [], "workers of Exim's left")


@fault("killing_asked", "random kills, asked in the DATA ACL", told=("250", "550 5.7.1"),
       may=("451 4.3.0",))
def in_the_data_acl(run):
    with Service(run.lab, "--spare", "4") as service:
        messages_and_kills(run, service, MESSAGES // 5)
