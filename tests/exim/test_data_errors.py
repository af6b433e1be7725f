#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Questions in the DATA ACL that are wrong, that nobody can answer, or that Exim cannot ask."""

import os
import shutil
import sys

from asking import DLFUNC, FILES, TENANTS, WORDS, asking, fields, ours, told, word
from common import (BANK, Lab, Suite, deliver, laboratory, mail, refused, want, want_in, zones)

suite = Suite()


def put_off(lab, message, what):
    """A message that an expansion's error puts off."""
    logged = len(lab.mainlog())
    want(refused(lab, message).code, 451, "reply")
    lines = "\n".join(lab.mainlog()[logged:])
    want_in(what, lines, "Exim's log")
    want(lab.orphans(), [], "orphans")


@suite.lab
def mistaken(**daemon):
    return Lab(zones=zones(), files=FILES, tenants=TENANTS, acl_data="".join(
        "  deny condition = ${if eq{$h_X-Ask:}{%s}{%s}{no}}\n" % case for case in (
            ("misspelt", word("verdikt")), ("stranger", word("zzz")),
            ("nothing", "${dlfunc{MOONSCAN_MODULE}{moon_data}}"),
            ("two", "${dlfunc{MOONSCAN_MODULE}{moon_data}{spf}{dkim}}"),
            ("copy", word("verdict", "$spool_directory/copy.so")))),
        acl_rcpt="  warn condition = ${if eq{$local_part}{early}}\n"
                 "       logwrite = %s\n" % word("verdict"), **daemon)


@suite.case("mistaken", only=DLFUNC)
def a_wrong_question_is_an_error_with_the_right_one(lab):
    for ask, what in (("misspelt", 'no word "verdikt"; did you mean "verdict"?'),
                      ("stranger", "it has verdict, reply, esc, text, spf, "),
                      ("nothing", "takes one word"), ("two", "takes one word")):
        put_off(lab, mail(fields="X-Ask: %s\n" % ask), what)


@suite.case("mistaken", only=(("heavy", "newer-heavy"), "the module is no file"))
def a_copy_of_the_module_is_told_from_the_one_that_goes_on(lab):
    with open(lab.module_file, "rb") as module, open(lab.path("spool/copy.so"), "wb") as copy:
        copy.write(module.read())
    put_off(lab, mail(fields="X-Ask: copy\n"), "local_scan_path must name this very file")


@suite.case("mistaken", only=DLFUNC)
def there_is_nothing_to_ask_before_the_message(lab):
    want(refused(lab, mail(), ["early@acme.test"]).code, 451, "reply")
    want_in("there is no message yet", "\n".join(lab.mainlog()), "Exim's log")
    with lab.smtp(BANK) as smtp:  # the id of the message before is no message either
        want(smtp.message("ann@bank.example", ["joe@acme.test"], mail()).code, 250, "reply")
        smtp.command("MAIL FROM:<ann@bank.example>")
        want(smtp.command("RCPT TO:<early@acme.test>").code, 451, "reply")
        smtp.quit()


@suite.lab
def failing(**daemon):
    return asking(environment={"MOONSCAN_PROGRAM": "/nonexistent/moonscan"}, **daemon)


@suite.lab
def failing_open(**daemon):
    return asking(environment={"MOONSCAN_PROGRAM": "/nonexistent/moonscan",
                               "MOONSCAN_FAILURE": "accept"},
                  acl_data="  warn logwrite = ask failure=%s\n" % word("failure"), **daemon)


@suite.case("failing", only=DLFUNC)
def a_message_that_cannot_be_evaluated_gets_the_failure_verdict(lab):
    logged = len(lab.mainlog())
    want(refused(lab, mail()).lines,
         ["452 4.3.0 Temporary local problem, please try again later"], "reply")
    want(len([line for line in lab.mainlog()[logged:] if " moonscan: not evaluated" in line]), 1,
         "lines of ours")


@suite.case("failing_open", only=DLFUNC)
def the_acl_is_told_why_there_are_no_results(lab):
    queue_id = deliver(lab, mail(fields="Authentication-Results: mx.lab.test; dmarc=pass\n"))
    want_in("not evaluated", told(lab, queue_id)["failure"], "failure")
    want(fields(lab, queue_id, "Authentication-Results"), [], "forged results")
    want(len(fields(lab, queue_id, "X-Moonscan-Failure")), 1, "fields")
    want(len(ours(lab, queue_id)), 1, "lines of ours")


@suite.lab
def with_another_worker(**daemon):
    return asking(acl_data="".join("  warn logwrite = ask %s=%s\n" % (w, word(w))
                                   for w in WORDS), **daemon)


@suite.case("with_another_worker", only=DLFUNC)
def a_worker_of_an_earlier_release_still_decides(lab):
    """This one knows nothing of words, either."""
    shutil.copy(os.path.join(laboratory.BUILD, "tests/fakeworker"), lab.program)
    want(refused(lab, mail(fields="X-Fake: reject\n")).lines,
         ["554-5.7.1 Not here", "554 5.7.1 Ask your provider"], "reply")
    queue_id = deliver(lab, mail(fields="X-Fake: headers\n"))
    got = told(lab, queue_id)
    want(got.pop("verdict"), "accept", "verdict")
    want(set(got.values()), {""}, "other words")
    want(fields(lab, queue_id, "X-Bottom-2"), ["fourth"], "fields")


# --- an Exim without ${dlfunc} -------------------------------------------------------------------

WITHOUT = (("light", "newer"), "this Exim has ${dlfunc}")


@suite.lab
def shipped(**daemon):
    return asking(**daemon)


@suite.case("shipped", only=WITHOUT)
def where_there_is_no_dlfunc_local_scan_decides_alone(lab):
    want(refused(lab, mail(), ["reject.x@acme.test"]).lines,
         ["550-5.7.26 no, bank.example", "550 5.7.26 ask us"], "reply")
    queue_id = deliver(lab, mail(), ["quarantine.x@acme.test"])
    want(lab.where(queue_id), ["quarantine acme"], "places")
    want(lab.record(queue_id)["applied"]["action"], "accept", "applied.action")


@suite.case("mistaken", only=WITHOUT)
def an_acl_that_asks_there_all_the_same_puts_mail_off(lab):
    put_off(lab, mail(), '"${dlfunc" encountered, but this facility is not included')


if __name__ == "__main__":
    sys.exit(suite.main())
