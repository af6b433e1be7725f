#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Locked rules of the site, dry runs, next versions in the shadow and as canaries, settings and shared
policies: as the client, the mailbox, Exim's log and the decision log see them."""

import sys

from common import (STRANGER, Lab, Suite, deliver, mail, policy, refused, want, want_in, want_not_in,
                    zones)

suite = Suite()

REJECT = 'return moon.reject { esc = "5.7.1", text = "no" }'
NAMES = ["plain", "shadow", "same", "broken", "dry", "canary", "half", "gold", "silver"]
SITE = """-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"
local policy = {}
function policy.locked(m)
  if m.header("X-Locked") then return moon.reject { esc = "5.7.1", text = "locked" } end
end
return policy
"""
BREAKS = 'if m.from.domain == "bank.example" then error("broken on purpose") end'
FILES = {
    "site.lua": SITE,
    "tenants/plain.lua": policy("return moon.accept {}"),
    "tenants/shadow.lua": policy("return moon.accept {}"),
    "next/tenants/shadow.lua": policy(REJECT),
    "tenants/same.lua": policy("return moon.accept {}"),
    "next/tenants/same.lua": policy("-- rewritten\nreturn moon.accept {}"),
    "tenants/broken.lua": policy("return moon.accept {}"),
    "next/tenants/broken.lua": policy(BREAKS),
    "tenants/dry.lua": policy(REJECT),
    "tenants/canary.lua": policy("return moon.accept {}"),
    "next/tenants/canary.lua": policy('return moon.reject { esc = "5.7.1", text = "next" }'),
    "tenants/half.lua": policy('return moon.accept { reason = "live" }'),
    "next/tenants/half.lua": policy('return moon.accept { reason = "next" }'),
    "policies/shared.lua": policy('return moon.reject { esc = "5.7.1", text = m.tenant.settings.text }'),
    "tenants.lua": """return {
  ["*"] = { settings = { text = "of all" } },
  dry = { mode = "dry_run" },
  canary = { canary = 100 },
  half = { canary = 50 },
  gold = { policy = "shared", settings = { text = "of gold" } },
  silver = { policy = "shared" },
}
""",
}


@suite.lab
def modes(**daemon):
    return Lab(zones=zones(), tenants={name: [name + ".test"] for name in NAMES}, files=FILES,
               **daemon)


def line_of(lab, queue_id):
    """Moonscan's line in Exim's log."""
    lines = [line for line in lab.mainlog(queue_id) if " moonscan " in line]
    want(len(lines), 1, "lines of moonscan")
    return lines[0]


def verdict_of(lab, queue_id):
    return lab.record(queue_id)["verdicts"][0]


@suite.case("modes")
def a_locked_rule_refuses_what_the_tenant_would_take(lab):
    reply = refused(lab, mail(fields="X-Locked: yes\n"), ["joe@plain.test"])
    want(reply.lines, ["550 5.7.1 locked"], "reply")
    verdict = lab.records()[-1]["verdicts"][0]
    want((verdict["layer"], verdict["rule"]), ("locked", "site.lua:5"), "layer and rule")
    queue_id = deliver(lab, mail(), ["joe@plain.test"])
    want(verdict_of(lab, queue_id)["layer"], "tenant", "layer without the lock")


@suite.case("modes")
def a_shadow_is_logged_and_never_applied(lab):
    queue_id = deliver(lab, mail(), ["joe@shadow.test"])
    want(lab.where(queue_id), ["inbox shadow"], "places")
    want_in(" tenant=shadow verdict=accept rule=tenants/shadow.lua:5 shadow=reject ",
            line_of(lab, queue_id), "line")
    verdict = verdict_of(lab, queue_id)
    want(verdict["verdict"], "accept", "verdict")
    want(verdict["shadow"], {"verdict": "reject", "layer": "tenant", "esc": "5.7.1",
                             "rule": "next/tenants/shadow.lua:5", "differs": ["verdict", "esc"]},
         "shadow")


@suite.case("modes")
def a_shadow_that_agrees_is_in_the_record_only(lab):
    queue_id = deliver(lab, mail(), ["joe@same.test"])
    want_not_in("shadow=", line_of(lab, queue_id), "line")
    want(verdict_of(lab, queue_id)["shadow"],
         {"verdict": "accept", "layer": "tenant", "rule": "next/tenants/same.lua:6"}, "shadow")


@suite.case("modes")
def a_shadow_that_breaks_harms_nothing(lab):
    queue_id = deliver(lab, mail(), ["joe@broken.test"])
    want(lab.where(queue_id), ["inbox broken"], "places")
    line = line_of(lab, queue_id)
    want_in(" shadow=failed ", line, "line")
    want_not_in("failure=", line, "line")
    want_in("broken on purpose", verdict_of(lab, queue_id)["shadow"]["failure"],
            "failure of the shadow")


@suite.case("modes")
def a_dry_run_delivers_what_it_would_refuse(lab):
    queue_id = deliver(lab, mail(), ["joe@dry.test"])
    want(lab.where(queue_id), ["inbox dry"], "places")
    want_in(" tenant=dry verdict=reject (dry run: treated as accept) ", line_of(lab, queue_id),
            "line")
    verdict = verdict_of(lab, queue_id)
    want((verdict["verdict"], verdict["mode"], verdict["esc"]), ("reject", "dry_run", "5.7.1"),
         "verdict")


@suite.case("modes")
def a_dry_run_beside_a_tenant_that_refuses_is_delivered(lab):
    queue_id = deliver(lab, mail(), ["joe@dry.test", "bob@gold.test"])
    want(lab.where(queue_id), ["inbox dry", "quarantine gold"], "places")
    want(lab.record(queue_id)["decision"]["split"], True, "split")


@suite.case("modes")
def a_canary_of_all_messages_decides(lab):
    reply = refused(lab, mail(), ["joe@canary.test"])
    want(reply.lines, ["550 5.7.1 next"], "reply")
    verdict = lab.records()[-1]["verdicts"][0]
    want((verdict["version"], verdict["rule"]), ("next", "next/tenants/canary.lua:5"), "version")


@suite.case("modes")
def a_canary_of_half_decides_about_some_and_shadows_the_rest(lab):
    seen = {"live": 0, "next": 0}
    for _ in range(30):
        queue_id = deliver(lab, mail(), ["joe@half.test"], ip=STRANGER)
        verdict = verdict_of(lab, queue_id)
        seen[verdict["reason"]] += 1
        want(verdict.get("version"), "next" if verdict["reason"] == "next" else None, "version")
        want("shadow" in verdict, verdict["reason"] == "live", "shadow")
        want_in(" version=next " if verdict["reason"] == "next" else " snapshot=",
                line_of(lab, queue_id), "line")
    # All of one kind: once in 500 million runs.
    want(min(seen.values()) > 0, True, "both versions in %r" % seen)


@suite.case("modes")
def a_shared_policy_reads_the_settings_of_each_tenant(lab):
    want(refused(lab, mail(), ["joe@gold.test"]).lines, ["550 5.7.1 of gold"], "reply of gold")
    want(refused(lab, mail(), ["joe@silver.test"]).lines, ["550 5.7.1 of all"], "reply of silver")
    want(lab.records()[-1]["verdicts"][0]["rule"], "policies/shared.lua:5", "rule")


@suite.case("modes")
def a_broken_next_version_is_not_published(lab):
    with open(lab.path("state/tenants"), encoding="utf-8") as file:
        before = file.read()
    lab.write("config/next/tenants/plain.lua", policy("return m.dmrc"))
    status, _, err = lab.run([lab.program, "publish", "--config-dir", lab.path("config"),
                              "--state-dir", lab.path("state")])
    want(status, 1, "status")
    want_in("next/tenants/plain.lua:5: m has no field 'dmrc'; did you mean 'dmarc'?", err, "errors")
    want_in("Nothing was published", err, "errors")
    with open(lab.path("state/tenants"), encoding="utf-8") as file:
        want(file.read(), before, "the map in force")


if __name__ == "__main__":
    sys.exit(suite.main())
