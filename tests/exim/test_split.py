#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Several tenants in one message: the whole table of who wants what, through Exim, and where each
recipient's copy ends. Every message has two recipients, of tenant one and of tenant two, and each
tenant's policy answers with the word that its recipient's address begins with."""

import sys

from common import (BANK, Lab, Suite, deliver, header_part, mail, want, want_in, want_not_in,
                    wait_for, zones)

suite = Suite()

WORDS = ("accept", "quarantine", "reject", "defer", "discard", "failure")
# Rows: what tenant one wants; columns: tenant two, in the order of WORDS. D delivered,
# Q in the tenant's own quarantine, X thrown away by the tenant's wish; "split" when the tenants
# were not of one mind and the message is taken; a number is the reply, and then nothing is kept.
TABLE = """
accept      DD          DQ split    DQ split    DQ split    DX split    DQ split
quarantine  QD split    QQ          QQ split    QQ split    QX split    QQ split
reject      QD split    QQ split    550         451         550         451
defer       QD split    QQ split    451         451         451         451
discard     XD split    XQ split    550         451         XX          451
failure     QD split    QQ split    451         451         451         451
"""
# The same line and column of "failure" when the site has declared another failure verdict. Who
# fails then counts as one who answers that word.
FAILURE = {"accept": "DD          DQ split    DQ split    DQ split    DX split    DD",
           "quarantine": "QD split    QQ          QQ split    QQ split    QX split    QQ",
           "reject": "QD split    QQ split    550         451         550         550"}

POLICY = """-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"
local policy = {}
function policy.message(m)
  local word = m.recipients[1]:match("^(%l+)%.%l+@")
  if word == "failure" then
    error("no such verdict")
  elseif word == "reject" then
    return moon.reject { esc = "5.7.26", text = "refused by " .. m.tenant.name, reason = "no" }
  elseif word == "defer" then
    return moon.defer { esc = "4.7.9", text = "put off by " .. m.tenant.name }
  elseif word then
    return moon[word] { reason = word .. " of " .. m.tenant.name }
  end
end
return policy
"""
TENANTS = {"one": ["one.test"], "two": ["two.test"], "three": ["three.test"]}
FILES = {"tenants/%s.lua" % name: POLICY for name in TENANTS}


def cells(line):
    """[(code or fates, split)] of a line of the table."""
    found = []
    for word in line.split():
        if word == "split":
            found[-1] = (found[-1][0], True)
        else:
            found.append((word, False))
    return found


def table():
    """(word of tenant one, word of tenant two) -> cell, for failure = "defer"."""
    rows = [line.split(None, 1) for line in TABLE.strip().splitlines()]
    return {(one, two): cell for one, line in rows for two, cell in zip(WORDS, cells(line))}


def failing(word):
    """The cells with a failing tenant under that failure verdict."""
    line = dict(zip(WORDS, cells(FAILURE[word])))
    found = {("failure", two): cell for two, cell in line.items()}
    for one, (fates, split) in line.items():
        found[(one, "failure")] = (fates if fates.isdigit() else fates[::-1], split)
    return found


def lab_of(failure, **daemon):
    return Lab(zones=zones(), tenants=TENANTS, files=FILES, config={"failure": failure}, **daemon)


@suite.lab
def deferring(**daemon):
    return lab_of("defer", **daemon)


@suite.lab
def accepting(**daemon):
    return lab_of("accept", **daemon)


@suite.lab
def quarantining(**daemon):
    return lab_of("quarantine", **daemon)


@suite.lab
def rejecting(**daemon):
    return lab_of("reject", **daemon)


def places(fates):
    """Where the copies are, by the letters of a cell."""
    names = {"D": "inbox ", "Q": "quarantine "}
    return sorted(names[fate] + tenant for fate, tenant in zip(fates, ("one", "two"))
                  if fate in names)


def check_reply(reply, one, two, code):
    """The one who wants it speaks, the first of several; a failed policy says nothing of itself."""
    want(reply.code, int(code), "reply")
    word = "reject" if code == "550" else "defer"
    speaker = "one" if one == word else "two" if two == word else None
    if speaker is None:
        want(reply.lines[0][4:9], "5.3.0" if code == "550" else "4.3.0", "code of a failure")
        want_not_in("no such verdict", reply.text, "reply")
    else:
        want(reply.lines, ["550 5.7.26 refused by " + speaker if code == "550" else
                           "451 4.7.9 put off by " + speaker], "reply")


def check_taken(lab, reply, one, two, fates, split):
    queue_id = reply.queue_id
    lab.settled(queue_id)
    want(sorted(lab.where(queue_id)), places(fates), "places")
    for tenant, word, fate in (("one", one, fates[0]), ("two", two, fates[1])):
        other = "two" if tenant == "one" else "one"
        if fate == "X":
            continue
        text = lab.message(queue_id, ("inbox " if fate == "D" else "quarantine ") + tenant)
        want_in("\nEnvelope-to: %s.%s@%s.test\n" % (word, tenant, tenant), "\n" + text,
                "copy of " + tenant)
        want_not_in("@%s.test\n" % other, text.split("Received:")[0], "copy of " + tenant)
    ours = [line for line in lab.mainlog(queue_id) if " moonscan " in line]
    want(len(ours), 1, "lines of ours in Exim's log")
    want(" moonscan accept split " in ours[0], split, "split in %r" % ours[0])
    record = lab.record(queue_id)
    want(record["decision"].get("split", False), split, "split in the record")
    want(record["applied"].get("discarded_recipients", 0), fates.count("X"),
         "discarded recipients")


def check_cell(lab, smtp, pair, cell):
    one, two = pair
    before = len(lab.mainlog())
    reply = smtp.message("ann@bank.example", ["%s.one@one.test" % one, "%s.two@two.test" % two],
                         mail(subject="%s and %s" % pair))
    if cell[0].isdigit():
        check_reply(reply, one, two, cell[0])
    else:
        want(reply.code, 250, "reply %r" % reply.lines)
        check_taken(lab, reply, one, two, *cell)
    why = [line for line in lab.mainlog()[before:] if " moonscan " in line]
    want(len(why), 1, "log lines in %r" % lab.mainlog()[before:])
    for tenant, word in (("one", one), ("two", two)):
        if word != "failure":
            want_in("tenant=%s verdict=%s" % (tenant, word), why[0], "log line")
        else:
            want_in('failure="tenants/%s.lua:7' % tenant, why[0], "log line")


def check_cells(lab, wanted):
    """Sends every pair over one connection; all that is wrong is told together."""
    places_before = len(list(lab.maildirs()))
    wrong = []
    with lab.smtp(BANK) as smtp:
        for pair, cell in wanted.items():
            try:
                check_cell(lab, smtp, pair, cell)
            except AssertionError as error:
                wrong.append("%s and %s: %s" % (pair + (error,)))
        smtp.quit()
    want(wrong, [], "pairs that end otherwise")
    copies = sum(fates.count("D") + fates.count("Q") for fates, _ in wanted.values())
    want(len(list(lab.maildirs())) - places_before, copies, "copies in all mailboxes")


@suite.case("deferring")
def every_pair_of_verdicts_ends_as_the_table_says(lab):
    wanted = table()
    want(len(wanted), len(WORDS) ** 2, "pairs")
    check_cells(lab, wanted)


@suite.case("accepting")
def a_tenant_that_fails_counts_as_accepting_where_that_is_declared(lab):
    check_cells(lab, failing("accept"))


@suite.case("quarantining")
def a_tenant_that_fails_counts_as_quarantining_where_that_is_declared(lab):
    check_cells(lab, failing("quarantine"))


@suite.case("rejecting")
def a_tenant_that_fails_counts_as_rejecting_where_that_is_declared(lab):
    check_cells(lab, failing("reject"))


@suite.case("deferring")
def accept_quarantine_and_reject_leave_one_delivered_and_two_in_their_own_quarantines(lab):
    to = {"one": "accept.one@one.test", "two": "quarantine.two@two.test",
          "three": "reject.three@three.test"}
    queue_id = deliver(lab, mail(), list(to.values()))
    found = {"inbox one": to["one"], "quarantine two": to["two"], "quarantine three": to["three"]}
    want(sorted(lab.where(queue_id)), sorted(found), "places")
    for place, address in found.items():
        fields = header_part(lab.message(queue_id, place))
        want([f for f in fields if f.startswith("Envelope-to:")], ["Envelope-to: " + address],
             "recipients of the copy in " + place)
    want(lab.orphans(), [], "files left in the spool")
    want(len([line for line in lab.mainlog(queue_id) if " => " in line]), 3, "deliveries")
    want(len([line for line in lab.mainlog(queue_id) if line.endswith(" Completed")]), 1,
         "ends of the message")
    why = [line for line in lab.mainlog(queue_id) if " moonscan " in line]
    want(len(why), 1, "log lines of ours")
    for part in (" moonscan accept split ", "tenant=one verdict=accept rule=",
                 "tenant=two verdict=quarantine rule=",
                 "tenant=three verdict=reject (split: own quarantine) rule="):
        want_in(part, why[0], "log line")
    verdicts = {v["tenant"]: v for v in lab.record(queue_id)["verdicts"]}
    want(verdicts["three"]["fate"], "quarantine", "fate of tenant three in the record")
    want(verdicts["three"]["reason"], "no", "its reason in the record")


@suite.case("deferring")
def a_quarantined_copy_does_not_name_other_tenants(lab):
    queue_id = deliver(lab, mail(), ["accept.one@one.test", "reject.two@two.test",
                                     "quarantine.three@three.test"])
    for tenant in ("two", "three"):
        fields = header_part(lab.message(queue_id, "quarantine " + tenant))
        want([f for f in fields if f.startswith("X-Moonscan-Quarantined:")],
             ["X-Moonscan-Quarantined: id=%s spf=pass dkim=none arc=none dmarc=pass" % queue_id],
             "fields that say why, in the copy of " + tenant)


@suite.case("deferring")
def a_script_that_fails_does_not_hold_up_the_next_message(lab):
    before = len(lab.records())
    with lab.smtp(BANK) as smtp:
        first = smtp.message("ann@bank.example", ["failure.one@one.test"], mail())
        second = smtp.message("ann@bank.example", ["accept.two@two.test"], mail())
        smtp.quit()
    want((first.code, second.code), (451, 250), "replies")
    lab.settled(second.queue_id)
    want(lab.where(second.queue_id), ["inbox two"], "places")
    wait_for("both records", lambda: len(lab.records()) == before + 2)


if __name__ == "__main__":
    sys.exit(suite.main())
