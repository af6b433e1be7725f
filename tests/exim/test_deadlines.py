#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One message's time, shared out: policies that never end, name servers that never answer, and both
together. The worker answers before the module gives up, and the tenants beside have their own
decisions."""

import re
import sys

from common import Lab, Suite, deliver, mail, policy, want, want_in, want_not_in, zones

suite = Suite()

NAMES = ["one", "two", "three", "four"]
EVERYBODY = ["joe@%s.test" % name for name in NAMES]
# Published policies end in time, so these have no end only for a message that says so. Their
# instructions are slow ones: time has to run out before a fast machine has counted all it may.
POLICY = policy("""  local function says(field)
    return (m.header(field) or ""):find(m.tenant.name, 1, true)
  end
  if says("X-Runaway") then
    while true do
      pcall(function() while true do local _ = ("x"):rep(5000):find("y", 1, true) end end)
    end
  end
  if says("X-Asks") then
    return moon.accept { reason = moon.dns { name = m.tenant.name .. ".bl.example" }.result }
  end
  return moon.accept { reason = "mine" }""")


@suite.lab
def lab_with_little_time(**daemon):
    """So little time that each test is short; a policy's own limits are far away. A name server
    that never answers has half of the message's time."""
    return Lab(zones=zones() + "\n$ORIGIN bl.example\ntwo A 127.0.0.2",
               silent=["_dmarc.silent.example", "one.bl.example"],
               tenants={name: [name + ".test"] for name in NAMES},
               files={"tenants/%s.lua" % name: POLICY for name in NAMES},
               config={"failure": "quarantine", "limits.policy_ms": 30000,
                       "limits.policy_instructions": 1000000000},
               environment={"MOONSCAN_TIMEOUT": "4"}, **daemon)


def decided(lab, fields, author="ann@bank.example"):
    """The record of a message to all of them, which is taken; tenant -> its verdict."""
    queue_id = deliver(lab, mail(author=author, fields=fields), to=EVERYBODY)
    record = lab.record(queue_id)
    return queue_id, record, {verdict["tenant"]: verdict for verdict in record["verdicts"]}


def want_out_of_time(verdict, what):
    want(verdict["verdict"], "quarantine", what)
    want(bool(re.search(r"^tenants/\w+\.lua:\d+: share of \d+ ms used up \(\d tenants had \d+ ms of "
                        r"the message's 3\d\d\d ms left\); mend this policy, or raise "
                        r"MOONSCAN_TIMEOUT$", verdict["failure"])),
         True, "%s: %s" % (what, verdict["failure"]))


@suite.case("lab_with_little_time")
def one_runaway(lab):
    queue_id, _, verdicts = decided(lab, "X-Runaway: two\r\n")
    want_out_of_time(verdicts["two"], "the runaway")
    for name in ("one", "three", "four"):
        want([verdicts[name]["verdict"], verdicts[name]["reason"]], ["accept", "mine"], name)
    want(sorted(lab.where(queue_id)),
         ["inbox four", "inbox one", "inbox three", "quarantine two"], "places")


@suite.case("lab_with_little_time")
def one_runaway_in_the_service(lab):
    service = lab.start_service()
    try:
        one_runaway(lab)
    finally:
        service.terminate()
        service.wait()


@suite.case("lab_with_little_time")
def three_runaways_leave_the_last_tenant_its_turn(lab):
    _, _, verdicts = decided(lab, "X-Runaway: one two four\r\n")
    for name in ("one", "two", "four"):
        want_out_of_time(verdicts[name], name)
    want(verdicts["three"]["reason"], "mine", "the other")


@suite.case("lab_with_little_time")
def silent_name_servers_leave_half_of_the_time_to_policies(lab):
    _, record, verdicts = decided(lab, "X-Runaway: two\r\n", author="al@silent.example")
    want(record["dmarc"]["result"], "temperror", "DMARC's result")
    want_in("half of the message's time; see why the name servers do not answer, or raise "
            "MOONSCAN_TIMEOUT", record["dns"]["late"], "what is said of DNS")
    want_out_of_time(verdicts["two"], "the runaway")
    for name in ("one", "three", "four"):
        want(verdicts[name]["reason"], "mine", name)


@suite.case("lab_with_little_time")
def silent_name_servers_and_nothing_but_runaways_still_have_an_answer(lab):
    queue_id, _, verdicts = decided(lab, "X-Runaway: one two three four\r\n",
                                    author="al@silent.example")
    for name in NAMES:
        want_out_of_time(verdicts[name], name)
    want_not_in("not evaluated", "\n".join(lab.mainlog(queue_id)), "the module has not given up")
    want(sorted(lab.where(queue_id)), ["quarantine " + name for name in sorted(NAMES)], "places")


@suite.case("lab_with_little_time")
def a_question_of_one_tenant_that_nobody_answers_leaves_another_its_own(lab):
    _, _, verdicts = decided(lab, "X-Asks: one two\r\nX-Runaway: three\r\n")
    want(verdicts["one"]["asked"][0]["reason"], "timeout", "the silent name")
    want([verdicts["two"]["reason"], verdicts["two"]["asked"][0]["records"]],
         ["answer", ["127.0.0.2"]], "the other's")
    want_out_of_time(verdicts["three"], "the runaway")
    want(verdicts["four"]["reason"], "mine", "the last")


if __name__ == "__main__":
    sys.exit(suite.main())
