#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Workers keep DNS answers for the messages after, as long as the answers allow: with the setting
as it is shipped, and without (dns.cache_seconds = 0)."""

import sys
import time

from common import (BANK, STRANGER, Lab, Service, Suite, deliver, mail, own_workers, policy, want, zones)

suite = Suite()
BRIEF = '$ORIGIN brief.example\n@ 1 TXT "v=spf1 ip4:%s -all"\n_dmarc TXT "v=DMARC1; p=reject"' % BANK
ASKING = policy('  local found = moon.dns { name = "_dmarc.bank.example", type = "TXT" }\n'
                "  return moon.accept { reason = found.result }")


def lab_with(config, daemon):
    return Lab(zones=zones() + "\n" + BRIEF, config=dict({"dns.timeout_ms": 20000}, **config),
               environment={"MOONSCAN_TIMEOUT": "45"}, files={"site.lua": ASKING}, **daemon)


@suite.lab
def as_shipped(**daemon):
    return lab_with({}, daemon)


@suite.lab
def without(**daemon):
    return lab_with({"dns.cache_seconds": 0}, daemon)


def one_worker(lab):
    """So that the second message is its, too."""
    return Service(lab, "--spare", "1", "--workers", "1")


def sent(lab, domain="bank.example"):
    """The record of a message, and the names that were asked for."""
    del lab.relay.asked[:]
    author = "ann@" + domain
    record = lab.record(deliver(lab, mail(author=author), sender=author))
    want(own_workers(lab), [], "workers that Exim started")
    want([record["spf"]["result"], record["dmarc"]["result"]], ["pass", "pass"], "SPF and DMARC")
    want(record["verdicts"][0]["reason"], "answer", "the policy's own question")
    want(record["dns"]["questions"] <= len(lab.relay.asked), True, "questions in the record")
    return record, sorted(set(lab.relay.asked))  # on a slow machine one may be repeated


@suite.case("as_shipped")
def a_second_message_asks_nothing(lab):
    with one_worker(lab):
        first, asked = sent(lab)
        want("bank.example" in asked, True, "the first one asks")
        want("cached" in first["dns"], False, "of the first one nothing was kept")
        lab.relay.silent.update(asked)  # a name server that is dead by now is not missed
        second, asked = sent(lab)
        want(asked, [], "names that the second one asks for")
        want(second["dns"]["cached"], first["dns"]["questions"], "answers that were kept")
        want(second["dns"]["rounds"], 0, "rounds")


@suite.case("as_shipped")
def the_record_of_what_fails_says_which_answers_were_kept(lab):
    with one_worker(lab):
        for kept in (None, True):
            record = lab.record(deliver(lab, mail(), ip=STRANGER))
            want(record["dmarc"]["result"], "fail", "DMARC")
            want({answer.get("cached") for answer in record["dns"]["answers"]}, {kept}, "cached")


@suite.case("as_shipped")
def a_ttl_that_is_over_is_over(lab):
    with one_worker(lab):
        sent(lab, "brief.example")
        time.sleep(1.01)
        _, asked = sent(lab, "brief.example")
        want(asked, ["brief.example"], "asked again: what had a TTL of 1")


@suite.case("as_shipped")
def a_new_snapshot_begins_with_nothing(lab):
    with one_worker(lab):
        before, asked = sent(lab)
        lab.files["site.lua"] += "-- another\n"
        lab.configure_moonscan()  # publishes
        after, asked_after = sent(lab)
        want(after["snapshot"] != before["snapshot"], True, "another snapshot")
        want(asked_after, asked, "names that are asked for")


@suite.case("as_shipped")
def messages_of_one_connection_share_answers(lab):
    for _ in range(2):  # with the connection the worker ends, and with it what it has kept
        with lab.smtp(BANK) as smtp:
            replies = []
            for _ in range(3):
                del lab.relay.asked[:]
                replies.append(smtp.message("ann@bank.example", ["joe@acme.test"], mail()))
            smtp.quit()
        want(lab.relay.asked, [], "names that the last one asks for")
        first, *others = [lab.record(reply.queue_id)["dns"] for reply in replies]
        want(first["questions"] > 0, True, "the first one asks")
        want([[dns["questions"], dns["cached"]] for dns in others], [[0, first["questions"]]] * 2,
             "the others")


@suite.case("without")
def nothing_is_kept_where_the_setting_says_so(lab):
    with one_worker(lab):
        _, first = sent(lab)
        record, second = sent(lab)
        want(second, first, "names that are asked for")
        want("cached" in record["dns"], False, "nothing was kept")


if __name__ == "__main__":
    sys.exit(suite.main())
