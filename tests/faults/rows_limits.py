# SPDX-License-Identifier: MIT
"""rows_limits: descriptors, processes and memory run out, in Exim's process and in the worker; the
wall clock jumps."""

import os
import signal
import time

from common import Service, own_workers, wait_for, want

from campaign import fault, lab
from fault_lab import FaultLab
from ledger import GOOD, SUSPECT, leftovers
from processes import processes
from smtp import Closed

DAY_S = 86400
HELD = "_dmarc.bank.example"


@lab
def limits(**daemon):
    return FaultLab(relayed=False, **daemon)


def connection_pid(its_lab):
    """The process of the one SMTP connection that there is: the daemon's child. That of an earlier
    connection ends a moment after its QUIT is answered."""
    daemon = its_lab.started[1].pid  # after the name server

    def only():
        found = [pid for pid, (parent, state, line) in processes().items()
                 if parent == daemon and state != "Z" and "-bdf" in line]
        return found[0] if len(found) == 1 else None
    return wait_for("one SMTP connection", only)


def without_processes(run, kind):
    """A message whose connection may start no process from DATA on."""
    sent = run.ledger.begin(kind)
    with run.lab.smtp(kind.ip, timeout=60) as smtp:
        want(smtp.envelope(kind.sender, [kind.to]), None, "envelope")
        want(smtp.command("DATA").code, 354, "DATA")
        # As its own user: root may not everywhere.
        status, _, err = run.lab.run(["/usr/bin/prlimit", "--nproc=1", "--pid",
                                      str(connection_pid(run.lab))])
        want((status, err), (0, ""), "prlimit")
        smtp.send_raw(run.ledger.compose(sent) + b".\r\n")
        sent.hear(smtp.read_reply())
        smtp.quit()


@fault("limits", "Exim may start no process", told="451 4.3.0",
       log=r"the worker cannot be started: \S+: Resource temporarily unavailable")
def no_process(run):
    for kind in (GOOD, SUSPECT):
        without_processes(run, kind)


@fault("limits", "Exim may start no process, with the service",
       log="delivery process fork failed", panic="delivery process fork failed")
def no_process_with_service(run):
    """Decided as ever; delivered by the next queue run."""
    with Service(run.lab):
        for kind in (GOOD, SUSPECT):
            without_processes(run, kind)
        wait_for("delivery to be given up",
                 lambda: sum("fork failed" in line for line in run.mainlog()) == 2)
        run.lab.run(run.lab.exim + ["-qff"])
        run.ledger.settle()


def refused(name, call, log):
    @fault("preloaded", name, told=("250", "451 4.3.0"), log=log)
    def function(run):
        with run.lab.smtp(GOOD.ip) as smtp:
            run.lab.exim_control.refuse(call)
            run.ledger.one(smtp, GOOD)
            run.lab.exim_control.refuse("")
            run.ledger.one(smtp, GOOD)
            run.lab.exim_control.refuse(call)
            run.ledger.one(smtp, GOOD)
            run.lab.exim_control.refuse("")
            smtp.quit()


@lab
def preloaded(**daemon):
    return FaultLab(preload=True, exim_preload=True, config={"dns.timeout_ms": 20000},
                    environment={"MOONSCAN_TIMEOUT": "25"}, **daemon)


refused("Exim's process has no descriptor for the worker", "socketpair",
        r"the worker cannot be started: \S+: Too many open files")
refused("Exim's process has no descriptor for the body", "open",
        r"the spool file cannot be opened for reading by way of /proc/self/fd")


# --- Exim dies ------------------------------------------------------------------------------------


def exim_killed(run):
    """Its process dies while the worker waits for DNS. What Exim leaves in its spool then is its
    own, and removed here; what would be ours is a worker without a connection."""
    with run.lab.relay.holding(HELD):
        _, smtp = run.ledger.begin_data(GOOD)
        want(run.lab.relay.wait_asked(HELD), True, "the worker asks")
        os.kill(connection_pid(run.lab), signal.SIGKILL)
        try:
            smtp.read_reply()
        except (Closed, OSError):
            pass
        smtp.close()
    left = [os.path.basename(path) for path in leftovers(run.lab)]
    want([name[-2:] for name in left], ["-D"], "what Exim leaves")
    os.unlink(run.lab.path("spool/input", left[0]))


@fault("impatient", "Exim's process killed in a message", told="no answer", in_doubt=1)
def exim_killed_alone(run):
    exim_killed(run)
    wait_for("its worker to end", lambda: not run.lab.workers())
    want(run.ledger.places().get(run.ledger.sent[0].token, []), [], "places")


@fault("impatient", "Exim's process killed in a message, with the service", told=("250", "no answer"),
       in_doubt=1)
def exim_killed_with_service(run):
    """The service has its worker back."""
    with Service(run.lab, "--spare", "1", "--workers", "1") as service:
        exim_killed(run)
        workers = service.workers()
        run.ledger.send(GOOD, 2)
        want(service.workers(), workers, "workers of the service")
        want(own_workers(run.lab), [], "workers of Exim's")


# --- the worker -----------------------------------------------------------------------------------


@lab
def limited(**daemon):
    return FaultLab(limits="true", relayed=False, **daemon)


@fault("limited", "worker without descriptors", told=("250", "451 4.3.0"), any_place=True,
       log=r"spf=temperror dkim=none dmarc=temperror")
def worker_descriptors(run):
    """From one too few for the body to enough for all."""
    for number in (4, 5, 6):
        run.lab.wrapper("worker", "ulimit -n %d" % number, preload=False)
        run.ledger.send(GOOD, 2)
        run.ledger.send(SUSPECT)
    run.lab.wrapper("worker", preload=False)


@fault("limited", "worker without memory", told=("250", "451 4.3.0"),
       log=r"not evaluated, deferred with 451 \(failure verdict\): .*")
def worker_memory(run):
    """From none for its libraries to enough for a message."""
    for kilobytes in range(6000, 30000, 2000 if run.short else 500):
        run.lab.wrapper("worker", "ulimit -v %d" % kilobytes, preload=False)
        run.ledger.send(GOOD, 2)
    run.lab.wrapper("worker", preload=False)


# --- the clock ------------------------------------------------------------------------------------

SLICE_S = 1.2  # the longest that the module sleeps without a look at the clock is a second


@lab
def impatient(**daemon):
    return FaultLab(preload=True, exim_preload=True, **daemon)


def forward(run, clock):
    """Forward while the worker waits for DNS: no time has passed for it, it takes the answer."""
    relay = run.lab.relay
    with relay.holding(HELD):
        sent, smtp = run.ledger.begin_data(GOOD)
        want(relay.wait_asked(HELD), True, "the worker asks")
        clock(DAY_S)
        time.sleep(SLICE_S)
        clock(0)  # Exim itself waits for a clock that was set back to come round
    run.ledger.end_data(sent, smtp)


@fault("preloaded", "clock of the worker jumps forward a day", log="spf=pass dkim=none dmarc=pass")
def worker_forward(run):
    forward(run, run.lab.control.clock)


@fault("preloaded", "clock of Exim's process jumps forward a day",
       log="spf=pass dkim=none dmarc=pass")
def exim_forward(run):
    forward(run, run.lab.exim_control.clock)


@fault("impatient", "clock of the worker jumps back a day", any_place=True,
       log="spf=pass dkim=none dmarc=temperror")
def worker_back(run):
    """Back while it waits for DNS, which says nothing: its time is over when it would have been."""
    relay = run.lab.relay
    with relay.holding(HELD):
        sent, smtp = run.ledger.begin_data(GOOD)
        want(relay.wait_asked(HELD), True, "the worker asks")
        run.lab.control.clock(-DAY_S)
        run.ledger.end_data(sent, smtp)
    run.lab.control.clock(0)


@fault("impatient", "clock of Exim's process jumps back a day", told="451 4.3.0",
       log=r"worker \d+ was still [\w ]*deciding when its time was over and was stopped by us")
def exim_back(run):
    """Back while the worker hangs: the module's time is over when it would have been."""
    run.lab.control.die("REQUEST.after", signal.SIGSTOP)
    sent, smtp = run.ledger.begin_data(GOOD)
    wait_for("the worker to hang", lambda: run.lab.control.left() == 0)
    run.lab.exim_control.clock(-DAY_S)
    run.ledger.end_data(sent, smtp)
    run.lab.exim_control.clock(0)
