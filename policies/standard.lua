-- SPDX-License-Identifier: MIT
--
-- The built-in policy "standard": RFC 9989 section 7.4. A domain owner's p=reject alone is no reason
-- to refuse a message, because forwarders and mailing lists break authentication every day: without
-- other knowledge it is quarantined, as p=quarantine asks. Trouble with DNS is nobody's fault: the
-- message is taken (a tenant may ask to defer instead). A From field that names no single domain would
-- get around DMARC altogether (RFC 9989 section 11.5), so it is quarantined as well.

local moon <const> = require "moonscan"

local policy = {}

function policy.message(m)
  if not m.from.domain then -- several domains, none, or none that can be read: DMARC cannot protect
    return moon.quarantine { reason = "From names no single domain: " .. (m.from.reason or "unknown") }
  end
  if m.dmarc.result ~= "fail" then
    return moon.accept {}
  end
  local asked <const> = m.dmarc.policy
  if asked == "reject" then
    return moon.quarantine {
      override = "local_policy",
      comment = "p=reject is quarantined here",
      reason = "DMARC policy of " .. m.from.domain .. " asks for reject",
    }
  end
  if asked == "quarantine" then
    return moon.quarantine { reason = "DMARC policy of " .. m.from.domain .. " asks for quarantine" }
  end
  return moon.accept {}
end

-- Tests, which are not part of the program: `moonscan test policies/standard.lua`.
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
      expect = { verdict = "accept", dmarc = "pass", override = false } },
    { name = "p=reject alone quarantines (RFC 9989 section 7.4)", zone = zone, message = { from = "a@bank.example" }, rcpt = "x@example.org",
      expect = { verdict = "quarantine", override = "local_policy", reason = "asks for reject" } },
    { name = "p=quarantine", zone = zone, message = { from = "a@mild.example" }, rcpt = "x@example.org",
      expect = { verdict = "quarantine", override = false } },
    { name = "p=none", zone = zone, message = { from = "a@loose.example" }, rcpt = "x@example.org",
      expect = { verdict = "accept", dmarc = "fail" } },
    { name = "p=reject; t=y is one step milder", zone = zone, message = { from = "a@test.example" }, rcpt = "x@example.org",
      expect = { verdict = "quarantine", override = false } },
    { name = "no record", zone = zone, message = { from = "a@nothing.example" }, rcpt = "x@example.org",
      expect = { verdict = "accept", dmarc = "none" } },
    { name = "DNS trouble", zone = zone, message = { from = "a@broken.example" }, rcpt = "x@example.org",
      expect = { verdict = "accept", dmarc = "temperror" } },
    { name = "two authors of two domains", zone = zone, message = { from = "a@bank.example, b@mild.example" }, rcpt = "x@example.org",
      expect = { verdict = "quarantine", reason = "no single domain" } },
  }
end

return policy
