# SPDX-License-Identifier: MIT
"""ledger: what was sent, what the client was told, and where each message is. The client's own
record decides: what it was told is taken must be in one place, once; what it was told is not taken
must be nowhere. A message without an answer is in doubt, which no fault here may bring about.
"""

import collections
import glob
import itertools
import json
import os
import re
import threading

from common import BANK, STRANGER, Failed, crlf, laboratory, wait_for, want

CLIENT = re.compile(r"^(\d{3})[ -](?:(\d\.\d+\.\d+) )?")
TOKEN = re.compile(rb"^Message-ID: <([\w.-]+)@faults\.example>", re.MULTILINE)

# Who sends to whom, and what becomes of it when nothing is wrong.
Kind = collections.namedtuple("Kind", "ip sender author to told place")
GOOD = Kind(BANK, "ann@bank.example", "ann@bank.example", "joe@acme.test", "250", "inbox acme")
CAREFUL = GOOD._replace(to="joe@careful.test", place="inbox careful")
SUSPECT = Kind(STRANGER, "x@elsewhere.example", "al@club.example", "joe@acme.test", "250",
               "quarantine acme")
FORGED = Kind(STRANGER, "ann@bank.example", "ann@bank.example", "joe@strict.test", "550 5.7.1", None)
KINDS = (GOOD, SUSPECT, FORGED, GOOD)


class Sent:
    """A message, and its answer: `told` is "250", "451 4.3.0" or, without an answer, what
    happened."""

    def __init__(self, token, kind):
        self.token, self.kind = token, kind
        self.told, self.queue_id = "no answer", None

    def hear(self, reply):
        found = CLIENT.match(reply.lines[0])
        self.told = " ".join(part for part in found.groups() if part) if found else reply.lines[0]
        self.queue_id = reply.queue_id

    @property
    def taken(self):
        return self.told == "250"

    @property
    def refused(self):
        return self.told[:1] in "45" and self.told[:3].isdigit()


class Ledger:
    """Of one fault. Numbers of messages go on over all ledgers of a process."""
    numbers = itertools.count(1)

    def __init__(self, lab):
        self.lab = lab
        self.sent = []
        self.errors = []
        self.lock = threading.Lock()

    # --- sending ---------------------------------------------------------------------------------

    def begin(self, kind):
        with self.lock:
            sent = Sent("m%d-%d" % (os.getpid(), next(self.numbers)), kind)
            self.sent.append(sent)
        return sent

    def compose(self, sent, fields="", lines=1):
        return crlf("%sDate: Sat, 21 Nov 2026 12:00:00 +0000\nFrom: <%s>\nTo: <%s>\n"
                    "Message-ID: <%s@faults.example>\nSubject: fault\n\n%s"
                    % (fields, sent.kind.author, sent.kind.to, sent.token, "Hello.\n" * lines))

    def one(self, smtp, kind, **message):
        """One message by a connection that is there already."""
        sent = self.begin(kind)
        sent.hear(smtp.message(kind.sender, [kind.to], self.compose(sent, **message)))
        return sent

    def send(self, kind=GOOD, count=1, **message):
        """`count` messages, by one connection of their own; the last one."""
        sent = None
        with self.lab.smtp(kind.ip, timeout=120) as smtp:
            for _ in range(count):
                sent = self.one(smtp, kind, **message)
            smtp.quit()
        return sent

    def begin_data(self, kind=GOOD):
        """A message whose end has been sent and whose answer is still to come: (Sent, smtp)."""
        sent = self.begin(kind)
        smtp = self.lab.smtp(kind.ip, timeout=120)
        want(smtp.envelope(kind.sender, [kind.to]), None, "envelope")
        want(smtp.data_start(self.compose(sent)), None, "DATA")
        return sent, smtp

    @staticmethod
    def end_data(sent, smtp):
        sent.hear(smtp.read_reply())
        smtp.quit()

    def load(self, count=None, connections=4, each=4, kinds=KINDS):
        return Load(self, count, connections, each, kinds)

    # --- what came of it -------------------------------------------------------------------------

    def told(self):
        """Every answer there was."""
        return sorted({sent.told for sent in self.sent})

    def settle(self):
        """Waits until Exim has nothing left to do. What could not be delivered at once (no
        process, no descriptor) is delivered by the queue runner that a site has."""
        for _ in range(12):
            try:
                wait_for("an empty spool", lambda: not leftovers(self.lab), 5)
                return
            except laboratory.LabError:
                self.lab.run(self.lab.exim + ["-qff"])
        raise Failed("left in the spool: %r" % leftovers(self.lab))

    def places(self):
        """token -> every place where it is."""
        found = collections.defaultdict(list)
        for place, data in self.lab.maildirs():
            token = TOKEN.search(data)
            if token:
                found[token.group(1).decode()].append(place)
        return found

    def account(self, any_place=False, in_doubt=0):
        """Everything must be where the client believes it to be: (sent, delivered, quarantined,
        refused, in doubt)."""
        self.settle()
        want(self.errors, [], "the clients' errors")
        places = self.places()
        wrong, delivered, quarantined, refused, doubt = [], 0, 0, 0, 0
        for sent in self.sent:
            there = places.get(sent.token, [])
            good = [sent.kind.place or "inbox strict"]
            if sent.taken:
                fits = len(there) == 1 and (any_place or there == good)
                delivered += there[:1] != [] and there[0].startswith("inbox")
                quarantined += there[:1] != [] and there[0].startswith("quarantine")
            elif sent.refused:
                fits = not there
                refused += 1
            else:
                doubt += 1
                fits = doubt <= in_doubt and len(there) <= 1
            if not fits:
                wrong.append("%s told %r is in %r" % (sent.token, sent.told, there))
        if wrong:
            raise Failed("%d of %d messages: %s" % (len(wrong), len(self.sent),
                                                    "; ".join(wrong[:5])))
        return len(self.sent), delivered, quarantined, refused, doubt


class Load:
    """Clients that send for a while, `connections` at a time, `each` messages a connection; `count`
    messages, or until the block ends:

        with ledger.load() as load:
            load.more(50)        # until 50 are answered
            ...                  # something goes wrong meanwhile
            load.more(50)
    """

    def __init__(self, ledger, count, connections, each, kinds):
        self.ledger, self.count, self.each, self.kinds = ledger, count, each, kinds
        self.left = float("inf") if count is None else count
        self.answered = 0
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True)
                        for i in range(connections)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        if kind or self.count is None:
            with self.ledger.lock:
                self.left = 0
        for thread in self.threads:
            thread.join()

    def running(self):
        return any(thread.is_alive() for thread in self.threads)

    def more(self, number):
        """Until so many more messages are answered, or none is left to be sent."""
        wanted = self.answered + number
        wait_for("%d answers" % wanted,
                 lambda: self.answered >= wanted or not self.running(), 300)

    def take(self):
        """How many messages the next connection shall send."""
        with self.ledger.lock:
            number = min(self.each, self.left)
            self.left -= number
            return number

    def run(self, first):
        turn = first
        while True:
            number = self.take()
            if not number:
                return
            kind = self.kinds[turn % len(self.kinds)]
            turn += 1
            try:
                with self.ledger.lab.smtp(kind.ip, timeout=120) as smtp:
                    for _ in range(number):
                        self.ledger.one(smtp, kind, lines=1 + turn % 40)
                        with self.ledger.lock:
                            self.answered += 1
                    smtp.quit()
            except Exception as error:  # pylint: disable=broad-except
                with self.ledger.lock:
                    self.ledger.errors.append(repr(error))


def leftovers(lab):
    """Files of messages that the spool still has."""
    return sorted(glob.glob(lab.path("spool/input/*")) + glob.glob(lab.path("spool/msglog/*")))


def records(*paths):
    """(lines of decision logs that parse, how many do not); as a reader of the log does."""
    found, torn = [], 0
    for path in paths:
        if not os.path.exists(path):
            continue
        with open(path, "rb") as file:
            for line in file.read().split(b"\n"):
                try:
                    found += [json.loads(line)] if line else []
                except ValueError:
                    torn += 1
    return found, torn
