-- SPDX-License-Identifier: MIT
--
-- For the golden output of `moonscan test`: see tests/unit/test_policytest.c.

local moon <const> = require "moonscan"
local forwarders <const> = moon.list "forwarders"
local reject <const> = moon.reject

local policy = {}

function policy.message(m)
  local via <const> = m.dmarc.result == "fail" and forwarders:match(m)
  if via then
    return moon.accept { override = "trusted_forwarder", comment = via.name }
  end
  if m.from.ours and m.dmarc.result ~= "pass" then
    return reject {
      esc = "5.7.1",
      text = "mail from " .. m.from.domain .. " is sent by its own hosts only",
      headers = { "X-Never: seen" },
    }
  end
  if m.dmarc.result == "fail" then
    return moon.quarantine { reason = "DMARC", headers = { "X-Test: yes" }, tag = "[?]" }
  end
end

policy.recipients = {
  abuse = function(m)
    return moon.accept { override = "local_policy" }
  end,
}

local rcpt <const> = "bob@acme.example"

policy.tests = {
  {
    name = "a listed forwarder",
    zone = "fixtures/bank.zone",
    message = {
      file = "fixtures/plain.eml",
      sign = { { domain = "bank.example", broken = true }, { domain = "alumni.example" } },
    },
    mail_from = "ann@bank.example",
    rcpt = rcpt,
    expect = { verdict = "accept", override = "trusted_forwarder", comment = "alumni" },
  },
  {
    name = "the same when the entry has expired",
    now = "2027-01-01T00:00:00Z",
    zone = "fixtures/bank.zone",
    message = { file = "fixtures/plain.eml", sign = { domain = "alumni.example" } },
    mail_from = "ann@bank.example",
    rcpt = rcpt,
    expect = { verdict = "quarantine", headers = { "X-Test" }, tag = "[?]", override = false },
  },
  {
    name = "our own name from outside",
    message = { from = "boss@acme.example", to = rcpt },
    expect = { verdict = "reject", esc = "5.7.1", text = "own hosts only", headers = { "X-Never" } },
  },
  {
    name = "mail to abuse is taken",
    message = { from = "boss@acme.example" },
    rcpt = { "Abuse@acme.example" },
    expect = { verdict = "accept", layer = "recipient", action = "accept" },
  },
  {
    name = "this one fails",
    message = { from = "boss@acme.example", to = rcpt },
    expect = { verdict = "accept", override = "local_policy", headers = { "X-Test" } },
  },
  { name = "this one is misspelt", mesage = {}, expect = { verdict = "accept" } },
}

return policy
