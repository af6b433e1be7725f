#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a policy does with a profile of a large receiver, as the client and the decision log see it."""

import sys

from common import STRANGER, Lab, Suite, deliver, mail, policy, refused, signed, want, want_in, zones

suite = Suite()

MICROSOFT = """local unmet = moon.profile("microsoft"):check(m, { bulk = true })
if unmet then return moon.reject { esc = unmet.esc, text = unmet.text, reason = unmet.requirement } end"""
GOOGLE = """local words = {}
for _, unmet in ipairs(moon.profile("google"):unmet(m, { bulk = true })) do
  table.insert(words, unmet.requirement)
end
return moon.accept { headers = { "X-Unmet: " .. table.concat(words, " "),
  "X-Sender: " .. tostring(m.sender.provider) .. ", " .. tostring(m.sender.evidence) } }"""
OURS = """local unmet = moon.profile("ours"):check(m)
if unmet then return moon.reject { esc = unmet.esc, text = unmet.text } end"""
OWN = """return {
  name = "ours", title = "Ours", dated = "2026-11-21", esc = "5.7.99",
  sources = { { title = "our own", url = "https://acme.test/", dated = "2026-11-21" } },
  requires = { { requirement = "subject", of = "all", text = "{domain}: say what it is about",
                 holds = function(m) return m.header("Subject") ~= "test" end } },
}
"""
PROVIDERS = """return {
  dated = "2026-11-21",
  { name = "bank", title = "The bank", source = "ourselves", networks = { "127.0.1.0/24" } },
}
"""
FEW = """return {
  name = "few", title = "Few", dated = "2026-11-21", esc = "5.7.99",
  sources = { { title = "our own", url = "https://acme.test/", dated = "2026-11-21" } },
  bulk = { messages = 4, sticky = true },
  requires = { { requirement = "dkim", of = "bulk", text = "{domain} sends much: sign it" } },
}
"""
VOLUME = """local unmet = moon.profile("few"):check(m)
if unmet then return moon.reject { esc = unmet.esc, text = unmet.text } end
return moon.accept { reason = "volume " .. tostring(m.sender.volume_24h) .. ", days "
  .. tostring(m.sender.first_seen_days) }"""
TENANTS = {"few": ["few.test"], "also": ["also.test"], "acme": ["acme.test"], "google": ["google.test"], "ours": ["ours.test"]}
FILES = {
    "tenants/acme.lua": policy(MICROSOFT),
    "tenants/google.lua": policy(GOOGLE),
    "tenants/ours.lua": policy(OURS),
    "tenants/few.lua": policy(VOLUME),
    "tenants/also.lua": policy(VOLUME),
    "profiles/few.lua": FEW,
    "profiles/ours.lua": OWN,
    "profiles/providers.lua": PROVIDERS,
}


@suite.lab
def site(**daemon):
    return Lab(zones=zones(), tenants=TENANTS, files=FILES, **daemon)


@suite.lab
def counting(**daemon):
    return Lab(zones=zones(), tenants=TENANTS, files=FILES, config={"store_timeout_ms": 1000},
               **daemon)


@suite.case("site")
def a_bulk_sender_without_a_signature_gets_microsofts_code(lab):
    reply = refused(lab, mail())
    want(reply.lines, ["550 5.7.515 bank.example does not meet the authentication asked of bulk "
                       "senders: DKIM must pass"], "reply")


@suite.case("site")
def one_that_meets_the_requirements_is_taken(lab):
    queue_id = deliver(lab, signed(mail()))
    verdict = lab.record(queue_id)["verdicts"][0]
    want_in("microsoft: bulk sender, unmet=none", verdict["facts"], "facts")


@suite.case("site")
def all_that_is_unmet_can_be_written_down(lab):
    queue_id = deliver(lab, mail(), ["joe@google.test"])
    message = lab.message(queue_id)
    want_in("X-Unmet: reverse_dns tls dkim\n", message, "message")
    want_in("X-Sender: bank, address 127.0.1.7 in 127.0.1.0/24\n", message, "message")


@suite.case("site")
def a_site_has_profiles_of_its_own(lab):
    reply = refused(lab, mail(), ["joe@ours.test"])
    want(reply.lines, ["550 5.7.99 bank.example: say what it is about"], "reply")
    deliver(lab, mail(subject="the meeting"), ["joe@ours.test"])


def volumes(lab, queue_id):
    return [verdict["reason"] for verdict in lab.record(queue_id)["verdicts"]]


@suite.case("counting")
def who_sends_much_has_to_sign(lab):
    forged = {"ip": STRANGER, "to": ["joe@few.test"]}
    want(volumes(lab, deliver(lab, mail(), ["joe@few.test"])), ["volume 1, days 0"], "the first")
    want(volumes(lab, deliver(lab, mail(), **forged)), ["volume 1, days 0"], "forged")
    both = ["joe@few.test", "joe@also.test"]
    want(volumes(lab, deliver(lab, mail(), both)), ["volume 2, days 0"] * 2, "for two tenants")
    below = signed(mail("bob@news.bank.example"))
    want(volumes(lab, deliver(lab, below, ["joe@few.test"])), ["volume 3, days 0"], "a subdomain")
    want(refused(lab, mail(), ["joe@few.test"]).lines,
         ["550 5.7.99 bank.example sends much: sign it"], "the fourth")
    queue_id = deliver(lab, signed(mail()), ["joe@few.test"])
    want(volumes(lab, queue_id), ["volume 5, days 0"], "signed")
    asked = lab.record(queue_id)["verdicts"][0]["asked"]
    want([[item.get("space"), item.get("answer")] for item in asked][0], ["volume", 5], "asked")


if __name__ == "__main__":
    sys.exit(suite.main())
