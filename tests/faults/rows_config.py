# SPDX-License-Identifier: MIT
"""rows_config: publishing and going back while mail comes in. Each message is decided by one of the
snapshots, as a whole."""

import os

from common import Service, laboratory, policy, wait_for, want

from campaign import fault, lab
from fault_lab import FaultLab
from ledger import records


@lab
def publishing(**daemon):
    return FaultLab(relayed=False, **daemon)


def published(its_lab, reason):
    """Another site policy in force; the name of its snapshot."""
    its_lab.files["site.lua"] = policy('  if m.dmarc.result ~= "fail" then\n'
                                       '    return moon.accept { reason = "%s" }\n  end' % reason)
    its_lab.publish(dict(its_lab.settings))
    return current(its_lab)


def current(its_lab):
    return os.path.basename(os.readlink(its_lab.path("state/current")))


def rolled_back(its_lab):
    status, out, err = its_lab.run([its_lab.program, "publish", "--rollback", "--config-dir",
                                    its_lab.path("config"), "--state-dir", its_lab.path("state")])
    if status:
        raise laboratory.LabError("moonscan publish --rollback: " + out + err)
    return current(its_lab)


def load_with_changes(run, change):
    """Mail, and `change(number)` three times while it comes in; no message without its record, and
    its reason is that of the snapshot it names."""
    its_lab, number = run.lab, run.count(40, 12)
    before = len(records(its_lab.decisions)[0])
    with Service(its_lab, "--spare", "2"), run.ledger.load(each=2) as load:
        for turn in range(1, 4):
            load.more(number)
            change(turn)
        load.more(number)
    wait_for("a record of each message", lambda: len(records(its_lab.decisions)[0]) - before
             >= len(run.ledger.sent))
    said = {}
    for record in records(its_lab.decisions)[0][before:]:
        reason = record["verdicts"][0].get("reason", "")
        if record["dmarc"]["result"] == "pass":
            said.setdefault(record["snapshot"], set()).add(reason)
    for snapshot, reasons in said.items():
        want(len(reasons), 1, "reasons %r of the snapshot %s" % (reasons, snapshot))
    return said


@fault("publishing", "published under load", told=("250", "550 5.7.1"))
def publish(run):
    said = load_with_changes(run, lambda turn: published(run.lab, "version %d" % turn))
    want(len(said) > 1, True, "several snapshots have decided: %r" % said)


@fault("publishing", "rolled back under load", told=("250", "550 5.7.1"))
def rollback(run):
    first, second = published(run.lab, "the one"), published(run.lab, "the other")
    want(first != second, True, "two snapshots")

    load_with_changes(run, lambda turn: want(
        rolled_back(run.lab) if turn % 2 else published(run.lab, "the other"),
        first if turn % 2 else second, "the snapshot in force"))
