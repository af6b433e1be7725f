# SPDX-License-Identifier: MIT
"""rows_log: the decision log cannot be written, or moves away. Mail goes on; Exim's log says what is
wrong."""

import contextlib
import os

from common import laboratory, wait_for, want

from campaign import fault, lab
from fault_lab import FaultLab
from ledger import GOOD, records
from tap import Skipped

MS_PRIVATE_ALL, MNT_DETACH, CLONE_NEWNS = 0x44000, 2, 0x20000


@lab
def logging(**daemon):
    return FaultLab(relayed=False, **daemon)


def own_mounts():
    """Mounts of this process and of those it starts are nobody else's, and end with them."""
    libc = laboratory.LIBC
    return (os.getuid() == 0 and libc.unshare(CLONE_NEWNS) == 0
            and libc.mount(b"none", b"/", None, MS_PRIVATE_ALL, None) == 0)


MOUNTS = None  # asked for before anything else is started: faults.py


@contextlib.contextmanager
def small_disk(its_lab, folder, size):
    """A file system of that size in the place of `folder`."""
    if not MOUNTS:
        raise Skipped("only root can mount a small file system")
    options = "size=%s,mode=0755,uid=%d,gid=%d" % (size, its_lab.uid, its_lab.gid)
    if laboratory.LIBC.mount(b"none", folder.encode(), b"tmpfs", 0, options.encode()):
        raise Skipped("a small file system cannot be mounted here")
    try:
        yield
    finally:
        laboratory.LIBC.umount2(folder.encode(), MNT_DETACH)


@fault("logging", "decision log on a full disk",
       log=r'trouble="decision log \S+: (only part of the record was written|'
           r'No space left on device)"')
def full_disk(run):
    """Full in the middle of a record; when there is room again, the next one stands on a line of its
    own."""
    its_lab, folder = run.lab, run.lab.path("decisions")
    with small_disk(its_lab, folder, "64k"):
        filler = os.path.join(folder, "filler")
        with open(filler, "wb") as file:
            file.write(bytes(60 * 1024))
        last = run.ledger.send(GOOD, 12)
        found, torn = records(its_lab.decisions)
        want((len(found) < 12, torn), (True, 1), "records on the full disk, and torn ones")
        os.unlink(filler)
        last = run.ledger.send(GOOD)
        wait_for("a record of the message after it",
                 lambda: last.queue_id in [r["id"] for r in records(its_lab.decisions)[0]])
        want(records(its_lab.decisions)[1], 1, "lines that do not parse")


@fault("logging", "decision log unwritable",
       log=r'trouble="decision log \S+: Permission denied"')
def unwritable(run):
    run.ledger.send(GOOD)
    run.ledger.settle()
    os.chmod(run.lab.decisions, 0o444)
    run.lab.own(run.lab.decisions)
    try:
        run.ledger.send(GOOD, 2)
    finally:
        os.chmod(run.lab.decisions, 0o640)


@fault("logging", "decision log rotated under load", told=("250", "550 5.7.1"))
def rotated(run):
    """By rename, without a signal: each message has its one record, in one of the files."""
    its_lab, number = run.lab, run.count(40, 12)
    run.decisions = [its_lab.decisions + ".0"]
    if os.path.exists(its_lab.decisions):  # of the faults before
        os.rename(its_lab.decisions, run.decisions[0])
    with run.ledger.load() as load:
        for turn in range(1, 5):
            load.more(number)
            run.decisions.append("%s.%d" % (its_lab.decisions, turn))
            os.rename(its_lab.decisions, run.decisions[-1])
        load.more(number)
    run.decisions.append(its_lab.decisions)
    wait_for("a record of each message",
             lambda: len(records(*run.decisions[1:])[0]) == len(run.ledger.sent))
    want(records(*run.decisions)[1], 0, "torn records")
