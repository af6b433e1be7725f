-- SPDX-License-Identifier: MIT
--
-- The built-in policy "monitor": never acts. Results are written into the message and the log.

local moon <const> = require "moonscan"

local policy = {}

function policy.message(m)
  if m.dmarc.result == "fail" and m.dmarc.policy ~= "none" then
    return moon.accept {
      override = "local_policy",
      comment = "monitoring only",
      reason = "DMARC policy of " .. m.from.domain .. " asks for " .. m.dmarc.policy,
    }
  end
  return moon.accept {}
end

-- Tests, which are not part of the program: `moonscan test policies/monitor.lua`.
function policy.tests()
  local zone <const> = [[
    bank.example.          TXT "v=spf1 ip4:192.0.2.7 -all"
    _dmarc.bank.example.   TXT "v=DMARC1; p=reject"
    _dmarc.mild.example.   TXT "v=DMARC1; p=quarantine"
    _dmarc.loose.example.  TXT "v=DMARC1; p=none"
    _dmarc.broken.example. TXT TIMEOUT
    _dmarc.test.example.   TXT "v=DMARC1; p=reject; t=y"
  ]]
  return {
    { name = "DMARC passes", zone = zone, ip = "192.0.2.7", message = { from = "a@bank.example" }, rcpt = "x@example.org",
      expect = { verdict = "accept", override = false } },
    { name = "p=reject is told, and nothing is done", zone = zone, message = { from = "a@bank.example" }, rcpt = "x@example.org",
      expect = { verdict = "accept", override = "local_policy", comment = "monitoring only", reason = "asks for reject" } },
    { name = "p=quarantine", zone = zone, message = { from = "a@mild.example" }, rcpt = "x@example.org",
      expect = { verdict = "accept", override = "local_policy" } },
    { name = "p=none", zone = zone, message = { from = "a@loose.example" }, rcpt = "x@example.org",
      expect = { verdict = "accept", override = false } },
    { name = "DNS trouble", zone = zone, message = { from = "a@broken.example" }, rcpt = "x@example.org",
      expect = { verdict = "accept", override = false } },
    { name = "two authors of two domains", zone = zone, message = { from = "a@bank.example, b@mild.example" }, rcpt = "x@example.org",
      expect = { verdict = "accept", override = false } },
  }
end

return policy
