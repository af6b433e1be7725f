# SPDX-License-Identifier: MIT
"""rows_service: the service is killed, stopped, overloaded, restarted and upgraded while mail comes
in; its workers are killed at every step of the protocol."""

import os
import shutil
import signal

from common import Service, laboratory, wait_for, want

from campaign import fault, lab
from fault_lab import FaultLab
from ledger import GOOD, SUSPECT, records
from rows_worker import STEPS, UNDECIDED

BOTH = ("250", "550 5.7.1")
NEXT = os.path.join(laboratory.BUILD, "tests/moonscan-next")


@lab
def service(**daemon):
    return FaultLab(**daemon)


def service_log(run):
    """What the service has said, for the row's `log`."""
    run.log_text = run.lab.read("log/service")


@fault("service", "service killed under load", told=BOTH)
def killed(run):
    number = run.count(30, 8)
    with Service(run.lab) as its, run.ledger.load() as load:
        for _ in range(3):
            load.more(number)
            its.end(signal.SIGKILL)
            load.more(number)
            its.start()
        load.more(number)


@fault("service", "service restarted under load", told=BOTH)
def restarted(run):
    number = run.count(30, 8)
    with Service(run.lab) as its, run.ledger.load() as load:
        for _ in range(3):
            load.more(number)
            its.end(signal.SIGTERM)
            its.start()
        load.more(number)


@fault("service", "service stopped, with its workers, under load", told=BOTH, may=("451 4.3.0",))
def stopped(run):
    """Messages that are in a worker's hands wait until the module's time is over."""
    with Service(run.lab) as its, run.ledger.load() as load:
        load.more(8)
        pids = [its.process.pid] + its.workers()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        load.more(run.count(60, 16))
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@fault("service", "service overloaded: one worker, sixteen connections", told=BOTH,
       may=("451 4.3.0",))
def overloaded(run):
    run.lab.relay.fault = "slow"
    try:
        with Service(run.lab, "--spare", "1", "--workers", "1"), \
                run.ledger.load(run.count(96, 32), connections=16, each=2):
            pass
    finally:
        run.lab.relay.fault = ""


@fault("service", "service overloaded beyond the time of messages", told=("250", "451 4.3.0"),
       any_place=True, short=False,
       log="has no worker free, and enough messages have one beside it")
def overloaded_for_long(run):
    run.lab.relay.fault = "silent"
    try:
        with Service(run.lab, "--spare", "1", "--workers", "1"), \
                run.ledger.load(40, connections=40, each=1, kinds=(GOOD,)):
            pass
    finally:
        run.lab.relay.fault = ""


@fault("service", "service without descriptors", told=BOTH,
       log=r"no worker can be started: Too many open files; trying again")
def no_descriptors(run):
    few = run.lab.wrapper("few", "ulimit -n 16", preload=False)
    with Service(run.lab, "--spare", "20", program=few), run.ledger.load(run.count(60, 24)):
        pass
    service_log(run)


def install(source, target):
    """As an installation does: never written in place."""
    shutil.copy(source, target + ".new")
    os.chmod(target + ".new", os.stat(target).st_mode)
    os.rename(target + ".new", target)


@fault("service", "service and module upgraded by one wire version under load", told=BOTH)
def upgraded(run):
    its_lab, number = run.lab, run.count(40, 10)
    pairs = ((its_lab.program, NEXT), (its_lab.module_file, NEXT + ".so"))
    for old, _ in pairs:
        shutil.copy(old, old + ".old")
    program, module = pairs
    # The module first, then the service, and back the other way round; each time both orders of
    # old and new are at work for a while.
    steps = [(module[1], module[0], False), (program[1], program[0], True),
             (module[0] + ".old", module[0], False), (program[0] + ".old", program[0], True)]
    with Service(its_lab) as its, run.ledger.load() as load:
        for source, target, restart in steps:
            load.more(number)
            install(source, target)
            if restart:
                its.end(signal.SIGTERM)
                its.start()
        load.more(number)


def strike(run, step):
    for kind in (GOOD, SUSPECT):
        with run.lab.smtp(kind.ip) as smtp:
            if not step.startswith("READY"):
                run.ledger.one(smtp, kind)
            run.lab.control.die(step, signal.SIGKILL)
            with run.lab.relay.taking_long(step.startswith("READY")):
                run.ledger.one(smtp, kind)
            wait_for("a worker to die at " + step, lambda: run.lab.control.left() == 0)
            run.ledger.one(smtp, kind)
            smtp.quit()


@fault("service", "service's worker killed at any step", told="250",
       log=r"worker \d+ was ended by signal 9")
def worker_killed(run):
    """Decided by another worker, unnoticed, as long as Exim has no decision."""
    with Service(run.lab, "--spare", "2", program=run.lab.wrapper("dying")):
        for step in STEPS:
            before = len(run.ledger.sent)
            strike(run, step)
            if step not in UNDECIDED:
                continue
            ids = {sent.queue_id for sent in run.ledger.sent[before:]}
            wait_for("records of " + step, lambda: ids <= run.recorded())
    service_log(run)


@fault("service", "service's worker stopped in a message", told=("250", "451 4.3.0"),
       log=r"the service's worker was still deciding when its time was over and was hung up on")
def worker_stopped(run):
    with Service(run.lab, "--spare", "2", program=run.lab.wrapper("dying")) as its:
        run.lab.control.die("DECISION.before", signal.SIGSTOP)
        with run.lab.relay.taking_long():
            run.ledger.send(GOOD)
        run.ledger.send(SUSPECT)
        for pid in its.workers():
            os.kill(pid, signal.SIGCONT)


@fault("service", "service's worker stopped before it is heard of", told="250")
def worker_stopped_early(run):
    """It has REQUEST and goes on when the message was decided by another: there is one record."""
    with Service(run.lab, "--spare", "2", program=run.lab.wrapper("dying")) as its:
        for step in ("REQUEST.half", "REQUEST.after", "DECISION.before"):
            run.lab.control.die(step, signal.SIGSTOP)
            for kind in (GOOD, SUSPECT):
                run.ledger.send(kind)
            wait_for("a worker to stop at " + step, lambda: run.lab.control.left() == 0)
            for pid in its.workers():
                os.kill(pid, signal.SIGCONT)
    found = [record["id"] for record in records(run.lab.decisions)[0]]
    want(len(found), len(set(found)), "messages, each with one record,")
