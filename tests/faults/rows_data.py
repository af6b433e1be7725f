# SPDX-License-Identifier: MIT
"""rows_data: asked in the DATA ACL, the worker has decided long before Exim says what it did; it is
killed before and meanwhile, and so is the service."""

import signal

from common import Service, wait_for, want

from campaign import fault, lab
from fault_lab import FaultLab
from ledger import GOOD, SUSPECT
from rows_worker import UNDECIDED, strike
from tap import Skipped

# What a site's scanner takes, behind our question.
SCANNER = "  warn delay = 1s\n"


@lab
def asked(**daemon):
    return FaultLab(preload=True, data="acl_moonscan_data", **daemon)


@lab
def asked_with_scanner(**daemon):
    return FaultLab(preload=True, data="acl_moonscan_data", acl_data=SCANNER, **daemon)


def need_dlfunc(run):
    if run.daemon != "heavy":
        raise Skipped("this Exim has no ${dlfunc}")


@fault("asked", "worker killed before it decides, asked in the DATA ACL",
       told=("250", "451 4.3.0"),
       log=r"worker \d+ closed its end while [\w ]+ was ended by signal 9")
def killed_before(run):
    need_dlfunc(run)
    for step in UNDECIDED:
        strike(run, step, signal.SIGKILL)


@fault("asked_with_scanner", "worker killed while the rest of the DATA ACL runs",
       log=r"decided \S+, but worker \d+ .* before it could be told what was done")
def killed_meanwhile(run):
    need_dlfunc(run)
    strike(run, "DECISION.after", signal.SIGKILL)


@fault("asked_with_scanner", "service killed while the rest of the DATA ACL runs")
def service_killed(run):
    """Its worker ends when it has heard what Exim did, and written its record."""
    need_dlfunc(run)
    with Service(run.lab, "--spare", "2") as service:
        for kind in (GOOD, SUSPECT):
            sent, smtp = run.ledger.begin_data(kind)
            wait_for("a decision", lambda i=len(run.ledger.sent): sum(
                " moonscan accept" in line for line in run.mainlog()) == i)
            service.process.kill()
            run.ledger.end_data(sent, smtp)
            service.end(signal.SIGKILL)
            service.start()
    wait_for("the records", lambda: {sent.queue_id for sent in run.ledger.sent} <= run.recorded())
    want(run.lab.orphans(), [], "orphans")
