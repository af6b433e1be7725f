# SPDX-License-Identifier: MIT
"""rows_dns: the name server is dead, silent, slow, lying. Without an answer nobody is refused: who
takes mail that DNS says nothing about takes it, who does not puts it off, and the results say
temperror."""

from common import want

from campaign import fault, lab
from fault_lab import FaultLab
from ledger import CAREFUL, GOOD, SUSPECT, records


@lab
def dns(**daemon):
    return FaultLab(**daemon)


@lab
def kept(**daemon):
    """With what is shipped."""
    return FaultLab(config={"dns.cache_seconds": 60}, **daemon)


def results(run, name):
    """A result of each record since the fault began."""
    ids = {sent.queue_id for sent in run.ledger.sent if sent.taken}
    found, _ = records(run.lab.decisions)
    return [record[name]["result"] for record in found if record["id"] in ids]


def both(run):
    """A message to who takes it and one to who does not, at the same time."""
    pairs = [run.ledger.begin_data(kind) for kind in (GOOD, CAREFUL, SUSPECT)]
    for sent, smtp in pairs:
        run.ledger.end_data(sent, smtp)


def misbehaving(name, mode, result="temperror", told=("250", "451 4.7.0")):
    """All results are `result`: whoever puts off what DNS says nothing about puts it off when they
    are temporary errors."""
    def function(run):
        run.lab.relay.fault = mode
        try:
            both(run)
        finally:
            run.lab.relay.fault = ""
        run.ledger.settle()
        for method in ("spf", "dmarc"):
            want(set(results(run, method)), {result}, method + " of mail that was taken")
    fault("dns", "name server " + name, told=told, any_place=True,
          log=r"spf=%s dkim=none dmarc=%s" % (result, result))(function)


@fault("dns", "name server dead", told=("250", "451 4.7.0"),
       log=r"spf=temperror dkim=none dmarc=temperror", any_place=True)
def dead(run):
    run.lab.relay.stop()
    try:
        both(run)
    finally:
        run.lab.restart_names()


@fault("kept", "name server dead, answers kept", log=r"spf=pass dkim=none dmarc=pass")
def dead_but_known(run):
    with run.lab.smtp(GOOD.ip) as smtp:
        run.ledger.one(smtp, GOOD)
        run.lab.relay.stop()
        try:
            run.ledger.one(smtp, GOOD)
        finally:
            run.lab.restart_names()
        smtp.quit()
    run.ledger.settle()
    want(results(run, "spf") + results(run, "dmarc"), ["pass"] * 4, "results of both")


misbehaving("silent", "silent")
misbehaving("slower than the deadline", "late")
misbehaving("lying: answers for other names", "wrong name")
misbehaving("answering with the wrong id", "wrong id")
misbehaving("answering from the wrong port", "wrong port")
misbehaving("truncating, and not there by TCP", "truncating")
misbehaving("answering SERVFAIL", "servfail")
misbehaving("answering REFUSED", "refused")
misbehaving("answering garbage", "garbage")
# An alias that leads nowhere has no records (RFC 7208 section 4.4 knows errors by their RCODE).
misbehaving("answering loops of CNAMEs", "loop", "none", "250")
misbehaving("answering CNAMEs without end", "endless", "none", "250")


@fault("dns", "name server slow", log=r"spf=pass dkim=none dmarc=pass")
def slow(run):
    run.lab.relay.fault = "slow"
    try:
        both(run)
    finally:
        run.lab.relay.fault = ""
