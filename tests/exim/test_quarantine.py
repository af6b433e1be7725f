#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The life of a message in quarantine: `moonscan quarantine` on what Exim has stored, and out of it
through Exim again."""

import json
import os
import subprocess
import sys
import time

from common import (Lab, Suite, deliver, header_part, mail, policy, want, want_in,
                    want_not_in, wait_for, zones)

suite = Suite()

# A word in the Subject decides, so that a case can choose.
KEEP = policy('''
local subject = m.header("Subject") or ""
if subject:find("fine", 1, true) then
  return moon.accept {}
end
return moon.quarantine { reason = "looks odd" }''')
TENANTS = {"acme": ["acme.test", "acme.example"], "beta": ["beta.test"]}
FILES = {"tenants/acme.lua": KEEP, "tenants/beta.lua": KEEP}


@suite.lab
def kept(**daemon):
    lab = Lab(zones=zones(), tenants=TENANTS, files=FILES, **daemon)
    return lab


def exim_program(lab):
    """The lab's Exim as one program, with its configuration."""
    if not os.path.exists(lab.path("run/exim")):
        os.chmod(lab.write("run/exim", '#!/bin/sh\nexec %s "$@"\n' % " ".join(lab.exim)), 0o755)
    return lab.path("run/exim")


def quarantine(lab, *args, **options):
    exim = options.pop("exim", exim_program(lab))
    return lab.run([lab.program, "quarantine"] + list(args) +
                   ["--dir", lab.path("quarantine"), "--exim", exim,
                    "--snapshot", lab.path("state/current")], **options)


def done(lab, *args, **options):
    status, out, err = quarantine(lab, *args, **options)
    want((status, err), (0, ""), "moonscan quarantine %s" % " ".join(args))
    return out


def listed(lab, *args):
    return [json.loads(line) for line in done(lab, "list", "--json", *args).splitlines()]


def clear(lab):
    for tenant in TENANTS:
        for folder in ("new", "cur"):
            where = lab.path("quarantine", tenant, folder)
            for name in os.listdir(where) if os.path.isdir(where) else []:
                os.remove(os.path.join(where, name))


def keep(lab, *to, subject="odd offer", sender="ann@bank.example", **fields):
    clear(lab)
    message = mail(subject=subject, **fields)
    queue_id = deliver(lab, message, list(to) or ["joe@acme.test"], sender=sender)
    wait_for("the record of " + queue_id, lambda: lab.records(queue_id))
    return queue_id


def files(lab, tenant="acme", folder="new"):
    return sorted(os.listdir(lab.path("quarantine", tenant, folder)))


def released(lab, subject):
    """Places and texts of the copies with that subject, when Exim has delivered them."""
    def found():
        return [(place, text.decode()) for place, text in lab.maildirs()
                if b"Subject: " + subject.encode() + b"\n" in text
                and place.startswith(("inbox", "outbound"))]
    return wait_for("delivery of " + subject, found)


@suite.case("kept")
def list_shows_a_line_for_a_message_and_its_columns_line_up(lab):
    queue_id = keep(lab, "joe@acme.test", "sue@acme.example")
    came = int(time.time())  # the list is by seconds
    wait_for("the next second", lambda: int(time.time()) > came)
    deliver(lab, mail(subject="second"), ["bob@beta.test"])
    lines = done(lab, "list").splitlines()
    want(len(lines), 3, "lines")
    want(lines[0].split(), ["ID", "CAME", "(UTC)", "TENANT", "FROM", "TO", "SUBJECT", "WHY"],
         "titles")
    for line in lines[1:]:
        for title in ("CAME", "TENANT", "FROM", "TO", "SUBJECT", "WHY"):
            at = lines[0].index(title)
            want((line[at - 1], line[at] != " "), (" ", True), "column %s of %r" % (title, line))
    want(lines[1].split()[0], queue_id, "id")
    for part in (" acme ", "<ann@bank.example>", "joe@acme.test +1", "odd offer",
                 "spf=pass dkim=none arc=none dmarc=pass"):
        want_in(part, lines[1], "line")
    want(len(done(lab, "list", "--tenant", "beta").splitlines()), 2, "lines of beta")
    want(len(done(lab, "list", "--tenant", "gamma").splitlines()), 1, "lines of gamma")


@suite.case("kept")
def recipients_of_a_tenant_share_one_file(lab):
    keep(lab, "joe@acme.test", "sue@acme.example", '"a,b"@acme.test', "bob@beta.test")
    want((len(files(lab)), len(files(lab, "beta"))), (1, 1), "files")
    entries = {e["tenant"]: e for e in listed(lab)}
    want((entries["acme"]["recipients"], entries["beta"]["recipients"]), (3, 1), "recipients")


@suite.case("kept")
def hostile_bytes_are_shown_safely(lab):
    keep(lab, subject="a\x1b[2Jb\xe9\u202e", author="x\x07@bank.example")
    out = done(lab, "list") + done(lab, "show", listed(lab)[0]["id"])
    bad = [c for c in out if (ord(c) < 32 and c != "\n") or ord(c) > 126]
    want(bad, [], "bytes that are not printable ASCII")
    want_in("a?[2Jb", out, "subject")


@suite.case("kept")
def show_tells_header_and_decision(lab):
    queue_id = keep(lab)
    out = done(lab, "show", queue_id)
    for part in ("Id         " + queue_id, "Sender     ann@bank.example", "To         joe@acme.test",
                 "Why        spf=pass", '"reason":"looks odd"', "  Subject: odd offer",
                 "  From: <ann@bank.example>"):
        want_in(part, out, "output")
    want_in("\n   spf=", out, "a line of a folded field, behind its tab")
    want_in("not found in the decision log", done(lab, "show", queue_id, "--log", "/nonexistent"),
            "without a log")


@suite.case("kept")
def release_delivers_to_all_the_recipients_and_records_it(lab):
    queue_id = keep(lab, "joe@acme.test", "sue@acme.example", '"a b"@acme.test',
                    subject="release me")
    text = lab.message(queue_id)
    want(done(lab, "release", queue_id), "released %s of acme\n" % queue_id, "output")
    want(files(lab), [], "files left")
    wait_for("all copies", lambda: len(released(lab, "release me")) == 3)
    for place, copy in released(lab, "release me"):
        want(place, "inbox acme", "place")
        fields = header_part(copy)
        want([f for f in fields if f.lower().startswith("return-path:")],
             ["Return-path: <ann@bank.example>"], "Return-path")
        want(len([f for f in fields if f.lower().startswith("envelope-to:")]), 1, "Envelope-to")
        want([f for f in fields if f.startswith(("Delivery-date", "X-Moonscan-"))], [], "fields")
        # What the sender and our own first reception wrote is there, byte for byte.
        want_in(text[text.index("Authentication-Results:"):text.index("X-Moonscan-Quarantined")],
                copy, "header")
        want(copy.split("\n\n", 1)[1], text.split("\n\n", 1)[1], "body")
    events = [r for r in lab.records() if r.get("event")]
    want(len(events), 1, "events")
    event = events[0]
    want((event["v"], event["event"], event["id"], event["tenant"], event["uid"]),
         (1, "release", queue_id, "acme", lab.uid), "event")
    want(event["envelope"], {"from": "ann@bank.example", "recipients": 3,
                             "to": ["joe@acme.test", "sue@acme.example", '"a b"@acme.test']},
         "envelope of the event")


@suite.case("kept")
def a_released_message_is_not_looked_at_again(lab):
    queue_id = keep(lab, subject="only once")
    records = [r for r in lab.records() if not r.get("event")]
    done(lab, "release", queue_id)
    released(lab, "only once")
    want([r for r in lab.records() if not r.get("event")], records, "decisions")
    want((files(lab), listed(lab)), ([], []), "quarantine")


@suite.case("kept")
def a_bounce_is_released_with_the_null_sender(lab):
    queue_id = keep(lab, subject="a bounce", sender="")
    done(lab, "release", queue_id)
    want_in("Return-path: <>\n", released(lab, "a bounce")[0][1], "copy")


@suite.case("kept")
def lines_of_a_single_dot_and_binary_bytes_survive_a_release(lab):
    body = "one\n.\n..\ntwo\xe9\n-- \nlast\n"
    queue_id = keep(lab, subject="dots", body=body)
    done(lab, "release", queue_id)
    copy = released(lab, "dots")[0][1]
    want(copy.split("\n\n", 1)[1].rstrip("\n"), body.rstrip("\n"), "body")


@suite.case("kept")
def what_exim_does_not_take_stays(lab):
    queue_id = keep(lab, subject="refused")
    status, out, err = quarantine(lab, "release", queue_id, exim="/bin/false")
    want((status, out), (3, ""), "status and output")
    want_in("Exim has not taken it (status 1): it stays in quarantine", err, "error")
    status, _, err = quarantine(lab, "release", queue_id, exim="/nonexistent/exim")
    want(status, 3, "status")
    want_in("/nonexistent/exim: No such file", err, "error")
    status, _, err = quarantine(lab, "release", queue_id, "--log", "/nonexistent/log")
    want(status, 3, "status without a log")
    want(len(files(lab)), 1, "files")
    want([r for r in lab.records(queue_id) if r.get("event")], [], "events")
    done(lab, "release", queue_id)
    released(lab, "refused")


@suite.case("kept")
def killed_at_any_moment_nothing_is_lost(lab):
    """Exim has taken it and this program is killed: the message comes twice, at worst."""
    queue_id = keep(lab, subject="killed")
    killer = lab.write("run/killer", '#!/bin/sh\n%s "$@"\nkill -9 $PPID\n' % " ".join(lab.exim))
    os.chmod(killer, 0o755)
    status, _, _ = quarantine(lab, "release", queue_id, exim=killer)
    want(status, -9, "status")
    want(len(files(lab)), 1, "files")
    want(len(released(lab, "killed")), 1, "copies")
    done(lab, "release", queue_id)
    wait_for("the second copy", lambda: len(released(lab, "killed")) == 2)
    want(files(lab), [], "files left")


@suite.case("kept")
def two_releases_at_once_deliver_once(lab):
    queue_id = keep(lab, subject="twice")
    slow = lab.write("run/slow", '#!/bin/sh\ncat > %s\n%s "$@" < %s\n'
                     % (lab.path("run/copy"), " ".join(lab.exim), lab.path("run/copy")))
    os.chmod(slow, 0o755)
    gate = lab.path("run/gate")
    os.mkfifo(gate)
    lab.own(gate)
    waits = lab.write("run/waits", '#!/bin/sh\nread x < %s\nexec %s "$@"\n' % (gate, slow))
    os.chmod(waits, 0o755)
    first = lab.as_user([lab.program, "quarantine", "release", queue_id, "--dir",
                         lab.path("quarantine"), "--exim", waits, "--log", lab.decisions],
                        stdout=subprocess.DEVNULL)
    with open(gate, "w", encoding="ascii") as pipe:  # opens when the first waits for us
        status, _, err = quarantine(lab, "release", queue_id)
        want(status, 3, "status of the second")
        want_in("another command works on it", err, "error")
        pipe.write("go\n")
    want(first.wait(20), 0, "status of the first")
    want(len(released(lab, "twice")), 1, "copies")


@suite.case("kept")
def an_id_of_two_tenants_needs_a_tenant(lab):
    queue_id = keep(lab, "joe@acme.test", "bob@beta.test", subject="for two")
    status, _, err = quarantine(lab, "release", queue_id)
    want(status, 1, "status")
    want_in("in the quarantines of acme and beta: say --tenant NAME", err, "error")
    done(lab, "release", queue_id, "--tenant", "beta")
    want([place for place, _ in released(lab, "for two")], ["inbox beta"], "places")
    want((len(files(lab)), len(files(lab, "beta"))), (1, 0), "files")
    want(done(lab, "show", queue_id).count("Tenant     acme"), 1, "what is left")


@suite.case("kept")
def mail_of_no_tenant_is_in_the_folder_default(lab):
    queue_id = keep(lab, subject="of nobody")
    os.rename(lab.path("quarantine/acme"), lab.path("quarantine/default"))
    try:
        want([(m["id"], m["tenant"]) for m in listed(lab, "--tenant", "default")],
             [(queue_id, "default")], "list")
        done(lab, "release", queue_id, "--tenant", "default")
        released(lab, "of nobody")
    finally:
        os.rename(lab.path("quarantine/default"), lab.path("quarantine/acme"))


@suite.case("kept")
def a_file_is_named_by_its_own_name_too(lab):
    keep(lab, subject="by name")
    name = files(lab)[0]
    os.makedirs(lab.path("quarantine/acme/cur"), exist_ok=True)
    os.rename(lab.path("quarantine/acme/new", name), lab.path("quarantine/acme/cur", name + ":2,S"))
    done(lab, "release", name)
    released(lab, "by name")
    want(files(lab, folder="cur"), [], "files")


@suite.case("kept")
def all_of_a_tenant_are_released_when_yes_is_said(lab):
    keep(lab, subject="all one")
    deliver(lab, mail(subject="all two"), ["sue@acme.test"])
    deliver(lab, mail(subject="not this"), ["bob@beta.test"])
    want(quarantine(lab, "release", "--all")[0], 2, "status without a tenant")
    want_in("2 messages; nothing was done: --yes does it",
            done(lab, "release", "--all", "--tenant", "acme"), "output")
    want(len(files(lab)), 2, "files")
    want(len(done(lab, "release", "--all", "--tenant", "acme", "--yes").splitlines()), 2, "lines")
    want((len(files(lab)), len(files(lab, "beta"))), (0, 1), "files")
    for subject in ("all one", "all two"):
        released(lab, subject)


@suite.case("kept")
def expire_removes_what_is_old_enough_when_yes_is_said(lab):
    old = keep(lab, subject="old")
    path = lab.path("quarantine/acme/new", files(lab)[0])
    os.utime(path, (time.time() - 40 * 86400,) * 2)
    deliver(lab, mail(subject="new"), ["joe@acme.test"])
    out = done(lab, "expire", "--older-than", "30d")
    want_in(old, out, "what would be removed")
    want_in("1 messages; nothing was done: --yes does it", out, "output")
    want(len(files(lab)), 2, "files")
    want(done(lab, "expire", "--older-than", "41d", "--yes"), "", "output for 41 days")
    want(done(lab, "expire", "--older-than", "959h", "--yes"), "removed %s of acme\n" % old,
         "output")
    want(len(files(lab)), 1, "files")
    events = [r for r in lab.records(old) if r.get("event")]
    want([(e["event"], e["tenant"]) for e in events], [("expire", "acme")], "events")
    for wrong in ("30", "d", "-1d", "30w", "1e3d", ""):
        want(quarantine(lab, "expire", "--older-than", wrong)[0], 2, "status of %r" % wrong)
    want(quarantine(lab, "expire")[0], 2, "status without an age")


@suite.case("kept")
def nothing_outside_of_the_quarantine_can_be_reached(lab):
    queue_id = keep(lab, subject="inside")
    outside = lab.write("outside/new/1.M1P1.x", "Return-path: <a@bank.example>\nEnvelope-to: "
                        "joe@acme.test\nSubject: outside\n\nx\n")
    lab.write("outside/cur/1.M1P1.y", "x\n")
    for name in ("../outside", "acme/../../outside", "..", ".", "", "/", "ACME", "a b", "-x"):
        status, out, err = quarantine(lab, "list", "--tenant", name)
        want((status, out), (2, ""), "tenant %r" % name)
        want_in("no name of a tenant", err, "error")
    for name in ("../1.M1P1.x", "new/1.M1P1.x", ".", "..", "", "a\nb", "x" * 201):
        want(quarantine(lab, "release", "--", name)[0] in (1, 2), True, "id %r" % name)
    os.symlink(lab.path("outside"), lab.path("quarantine/linked"))
    os.symlink(outside, lab.path("quarantine/acme/new/1.M1P1.link"))
    os.mkdir(lab.path("quarantine/gamma"))
    lab.own(lab.path("quarantine/gamma"))
    os.symlink(lab.path("outside/new"), lab.path("quarantine/gamma/new"))
    status, out, err = quarantine(lab, "list", "--json")
    want([json.loads(line)["id"] for line in out.splitlines()], [queue_id], "messages")
    want(status, 3, "status")  # what is in the way is told
    want_not_in("outside", out, "output")
    for name in ("1.M1P1.link", "1.M1P1.x"):
        want(quarantine(lab, "release", name)[0], 1, "status of " + name)
    want(os.path.exists(outside), True, "the file outside")
    os.remove(lab.path("quarantine/linked"))
    os.remove(lab.path("quarantine/gamma/new"))
    os.rmdir(lab.path("quarantine/gamma"))
    os.remove(lab.path("quarantine/acme/new/1.M1P1.link"))


@suite.case("kept")
def a_file_that_is_none_of_exims_is_listed_and_not_released(lab):
    keep(lab)
    clear(lab)
    for number, text in enumerate(("", "no header\n", "Subject: x\n\nbody\n",
                                   "Return-path: <a@b>\nEnvelope-to: -oX@evil.example\n\nx\n",
                                   "Return-path: <a@b>\nEnvelope-to: a@b, c d@e\n\nx\n",
                                   "Return-path: a@b\nEnvelope-to: a@b\n\nx\n")):
        lab.write("quarantine/acme/new/%d.M1P1.x" % number, text)
    want(len(listed(lab)), 6, "entries")
    for number in range(6):
        status, _, err = quarantine(lab, "release", "%d.M1P1.x" % number)
        want(status, 3, "status of %d" % number)
        want_in("cannot be released: no ", err, "error")
    clear(lab)


@suite.case("kept")
def what_cannot_be_done_is_said(lab):
    status, _, err = quarantine(lab, "release", "1xUnB4-0004Eo-2U")
    want(status, 1, "status")
    want_in("1xUnB4-0004Eo-2U is not in the quarantine", err, "error")
    for args in ((), ("lst",), ("list", "x"), ("show",), ("release",), ("--no-such-option",)):
        want(quarantine(lab, *args)[0], 2, "status of %r" % (args,))
    status, out, _ = quarantine(lab, "--help")
    want(status, 0, "status of --help")
    want_in("moonscan quarantine release ID...", out, "help")
    status, _, err = lab.run([lab.program, "quarantine", "list", "--dir", "/nonexistent"])
    want(status, 3, "status")
    want_in("/nonexistent: No such file", err, "error")


if __name__ == "__main__":
    sys.exit(suite.main())
