# SPDX-License-Identifier: MIT
"""rows_worker: the real worker is killed, or stopped for ever, at every step of the protocol."""

import signal

from common import wait_for

from campaign import fault, lab
from fault_lab import FaultLab
from ledger import GOOD, SUSPECT

STEPS = {
    "READY.before": "before READY",
    "READY.half": "with half of READY sent",
    "READY.after": "after READY",
    "REQUEST.half": "with half of REQUEST read",
    "REQUEST.after": "after REQUEST",
    "DECISION.before": "before DECISION",
    "DECISION.half": "with half of DECISION sent",
    "DECISION.after": "after DECISION",
    "APPLIED.after": "after APPLIED",
    "RECORD.half": "with half of its record written",
    "RECORD.after": "after its record",
}
UNDECIDED = list(STEPS)[:7]


@lab
def steps(**daemon):
    return FaultLab(preload=True, **daemon)


def strike(run, step, number, kinds=(GOOD, SUSPECT)):
    """The worker of the second message of a connection, where there is one by then, else that of
    the first, which takes so long that READY is said; a third message follows."""
    for kind in kinds:
        with run.lab.smtp(kind.ip) as smtp:
            if not step.startswith("READY"):
                run.ledger.one(smtp, kind)
            before = set(run.lab.workers())
            run.lab.control.die(step, number)
            with run.lab.relay.taking_long(step.startswith("READY")):
                run.ledger.one(smtp, kind)
            # There may be a new one by now, which knows the failure verdict.
            wait_for("the worker to end at " + step,
                     lambda: run.lab.control.left() == 0 and not before & set(run.lab.workers()))
            run.ledger.one(smtp, kind)
            smtp.quit()


def killed(step, words):
    told, log = ("250", "451 4.3.0"), r"worker \d+ closed its end while [\w ]+ was ended by signal 9"
    if step not in UNDECIDED:
        told, log = "250", None

    # After DECISION Exim may find that it cannot tell what it did, and says so.
    @fault("steps", "worker killed " + words, told=told, log=log, quiet=step != "DECISION.after")
    def function(run):
        strike(run, step, signal.SIGKILL)


def stopped(step, words):
    @fault("steps", "worker stopped " + words, told=("250", "451 4.3.0"), short=step == "REQUEST.after",
           log=r"worker \d+ was still [\w ]+ when its time was over and was stopped by us")
    def function(run):
        strike(run, step, signal.SIGSTOP, kinds=(GOOD,))


for each_step, its_words in STEPS.items():
    killed(each_step, its_words)
for each_step in UNDECIDED:
    stopped(each_step, STEPS[each_step])
