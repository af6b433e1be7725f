# SPDX-License-Identifier: MIT
"""campaign: faults, one after the other, each a row of one table.

    @lab
    def embedded(**daemon):
        return FaultLab(**daemon)

    @fault("embedded", "worker killed before READY", told="451 4.3.0", log="ended by signal 9")
    def killed_before_ready(run):
        run.ledger.send()

What is checked of each, whatever it is:
 1. the client was told what `told` says, and nothing else (`may`: and perhaps that);
 2. `log` (a regular expression) stands in Exim's main log, or in run.log_text when the function sets
    it; no `log`: Exim's log has no failure verdict and no trouble;
 3. sent = delivered + quarantined + refused: nothing lost, nothing twice, each in its place;
 4. no file left in the spool, nothing in the panic log, no worker without its connection;
 5. at most one record of a message in the decision log;
 6. the next message is taken and evaluated as ever.
"""

import collections
import os
import re
import sys
import time
import traceback

from common import Failed, laboratory, wait_for, want
from tap import Skipped

from ledger import GOOD, Ledger, records

ROWS, LABS = [], {}
WIDTHS = {"told": 25, "log": 66, "mail": 29}
BAD_LINE = re.compile(r"not evaluated|trouble=|before it could be told")
PID = re.compile(r"\bworker \d+")


class Row:
    def __init__(self, lab, name, function, told, log, may, options):
        self.lab, self.name, self.function = lab, name, function
        self.told = (told,) if isinstance(told, str) else tuple(told)
        self.may, self.log = may, log
        self.short = options.pop("short", True)
        self.any_place = options.pop("any_place", False)
        self.recovers = options.pop("recovers", True)
        self.quiet = options.pop("quiet", not may)
        self.panic = options.pop("panic", None)
        self.in_doubt = options.pop("in_doubt", 0)
        if options:
            raise TypeError("options %r" % options)


def lab(function):
    if function.__name__ in LABS:
        raise TypeError("two labs are called " + function.__name__)
    LABS[function.__name__] = function
    return function


def fault(lab_name, name, told="250", log=None, may=(), **options):
    """short: also in the short campaign. any_place: the place of a taken message is not the usual
    one (there were no results). recovers: a message afterwards, by the campaign. quiet: without
    `log` there is no trouble in Exim's log. panic: what Exim's panic log has then, every line.
    in_doubt: so many messages have no answer, as Exim itself has died."""
    def add(function):
        ROWS.append(Row(lab_name, name, function, told, log, may, dict(options)))
        return function
    return add


class Run:
    """What a fault's function is given."""

    def __init__(self, its_lab, row, short, daemon):
        self.lab, self.row, self.short = its_lab, row, short
        self.ledger = Ledger(its_lab) if its_lab else None
        self.logged = len(its_lab.mainlog()) if its_lab else 0
        self.log_text = None  # in the place of Exim's main log
        self.found_log = "-"
        self.mail, self.counts = "-", None
        self.daemon = daemon
        self.decisions = None  # more logs than the usual one

    def count(self, full, short):
        return short if self.short else full

    def recorded(self):
        """Messages that have a record in the decision log."""
        return {record["id"] for record in records(self.lab.decisions)[0]}

    def mainlog(self):
        return self.lab.mainlog()[self.logged:]

    def check(self):
        ledger, row = self.ledger, self.row
        self.counts = ledger.account(row.any_place, row.in_doubt)
        self.mail = "%d = %d + %d + %d" % self.counts[:4]
        if self.counts[4]:
            self.mail += " + %d in doubt" % self.counts[4]
        told = set(ledger.told())
        want(sorted(set(row.told) - told), [], "what no client was told; they were told %r" % told)
        want(sorted(told - set(row.told) - set(row.may)), [], "what clients were told beside")
        self.check_log()
        wait_for("the workers to end with their connections", lambda: not self.lab.workers(), 10)
        self.check_panic()
        self.check_records()

    def check_panic(self):
        lines = self.lab.read("log/paniclog").splitlines()
        want([line for line in lines if not self.row.panic or self.row.panic not in line], [],
             "Exim's panic log")
        if lines:
            os.unlink(self.lab.path("log/paniclog"))

    def check_log(self):
        lines = self.mainlog()
        if self.row.log is None:
            if self.row.quiet:
                want([line for line in lines if BAD_LINE.search(line)], [], "log lines of trouble")
            return
        text = "\n".join(lines) if self.log_text is None else self.log_text
        found = re.search(self.row.log, text)
        if not found:
            raise Failed("want %r in the log:\n%s" % (self.row.log, text[-3000:]))
        self.found_log = PID.sub("worker N", found.group(0)).replace(self.lab.stage, "...")

    def check_records(self):
        found, _ = records(*(self.decisions or [self.lab.decisions]))
        ids = collections.Counter(record.get("id") for record in found)
        want([i for i, n in ids.items() if n > 1], [], "messages with two records")

    def recover(self):
        """The next message, when all is well again."""
        after = Ledger(self.lab)
        sent = after.send(GOOD)
        want(sent.told, "250", "the next message")
        record = wait_for("its record", lambda: [
            r for r in records(self.lab.decisions)[0] if r.get("id") == sent.queue_id])[0]
        want(record["dmarc"]["result"], "pass", "the next message's DMARC")
        after.account()


class Printer:
    """Rows as they come: a table, or TAP."""

    def __init__(self, rows, tap):
        self.tap = tap
        self.number = 0
        self.passed, self.failed, self.skipped = 0, 0, 0
        self.sums = (0, 0, 0, 0, 0)
        self.width = max(len(row.name) for row in rows)
        if tap:
            print("1..%d" % len(rows))
        else:
            self.line("fault", "the client is told", "the log says", "sent = deliv + quar + refused",
                      "verdict")
        sys.stdout.flush()

    def line(self, name, told, log, mail, verdict):
        print("%-*s  %-*s  %-*s  %-*s  %s" % (
            self.width, name, WIDTHS["told"], told[:WIDTHS["told"]], WIDTHS["log"],
            log[:WIDTHS["log"]], WIDTHS["mail"], mail, verdict))

    def row(self, row, run, seconds, error=None, skip=None):
        self.number += 1
        self.passed += not error and not skip
        self.failed += bool(error)
        self.skipped += bool(skip)
        if run and run.counts and not error:
            self.sums = tuple(map(sum, zip(self.sums, run.counts)))
        told = ", ".join(run.ledger.told() if run and run.ledger else row.told)
        mail = run.mail if run else "-"
        log = (run.found_log if run else "-").replace("\n", " ")
        if self.tap:
            print("%s %d - %s%s" % ("not ok" if error else "ok", self.number, row.name,
                                    " # SKIP " + skip if skip else ""))
            print("# %s | %s | %s | %.1f s" % (told, log, mail, seconds))
        else:
            self.line(row.name, told, log, mail,
                      "NOT" if error else "skipped: " + skip if skip else "ok")
        for text in error or []:
            print("#   " + text.replace("\n", "\n#   "))
        sys.stdout.flush()

    def end(self):
        if not self.tap:
            print("%d messages = %d delivered + %d in quarantine + %d not taken"
                  " + %d in doubt, as Exim was killed" % self.sums)
            print("%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped))
        return 1 if self.failed else 0


def explain(error, run):
    """What went wrong, with what Exim and the service have logged meanwhile."""
    where = traceback.extract_tb(error.__traceback__)
    yield "line %d of %s: %s: %s" % (where[-1].lineno, os.path.basename(where[-1].filename),
                                    type(error).__name__, error)
    if run and run.lab:
        for line in run.mainlog()[-30:]:
            yield "mainlog: " + line


def run_row(row, its_lab, short, daemon, printer):
    run = Run(its_lab, row, short, daemon)
    begun = time.monotonic()
    error = skip = None
    try:
        row.function(run)
        if its_lab:
            run.check()
            if row.recovers:
                run.recover()
    except Skipped as reason:
        skip = str(reason)
    except Exception as found:  # pylint: disable=broad-except
        error = list(explain(found, run))
    printer.row(row, run, time.monotonic() - begun, error, skip)


def run_group(name, rows, daemon, short, printer):
    """All rows of one lab; what goes wrong with the lab itself fails those that are left."""
    if name is None:
        for row in rows:
            run_row(row, None, short, daemon, printer)
        return
    done = printer.number
    try:
        with LABS[name](daemon=daemon) as its_lab:
            for row in rows:
                run_row(row, its_lab, short, daemon, printer)
    except laboratory.LabError as error:
        for row in rows[printer.number - done:] or rows[-1:]:
            printer.row(row, None, 0.0, ["the lab %s: %s" % (name, str(error).strip())])


def run_all(rows, daemon, short, tap):
    printer = Printer(rows, tap)
    for name in dict.fromkeys(row.lab for row in rows):
        run_group(name, [row for row in rows if row.lab == name], daemon, short, printer)
    return printer.end()
