-- SPDX-License-Identifier: MIT
--
-- For the golden output of `moonscan test`: see tests/unit/test_policytest.c.

local moon <const> = require "moonscan"

local policy = {}

function policy.locked(m)
  if m.session.helo == "evil.example" then
    return moon.discard {} -- no test meets it
  end
end

function policy.message(m)
  if m.dmarc.result == "pass" then
    return moon.accept { reason = "DMARC passes" }
  end
end

policy.tests = {
  {
    name = "a name with a # and a \\ in it",
    zone = [[
      _dmarc.bank.example. TXT "v=DMARC1; p=reject"
      bank.example.        TXT "v=spf1 ip4:192.0.2.7 -all"
    ]],
    ip = "192.0.2.7",
    message = { from = "a@bank.example" },
    expect = { verdict = "accept", layer = "site", rule = 17, spf = "pass", dmarc = "pass" },
  },
  { name = "no opinion", expect = { verdict = "accept", layer = "built-in" } },
}

return policy
