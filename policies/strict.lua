-- SPDX-License-Identifier: MIT
--
-- The built-in policy "strict": does what domain owners ask for. A message that fails DMARC under
-- reject is refused, and the reply says so (RFC 9989 section 7.2); under quarantine it is
-- quarantined; under none nothing happens. Mail that was forwarded without its signature surviving
-- is refused too: name trusted forwarders in a tenant's or the site's policy. So is a From field that
-- names no single domain, which would get around DMARC altogether (RFC 9989 section 11.5).

local moon <const> = require "moonscan"

local policy = {}

function policy.message(m)
  if not m.from.domain then -- several domains, none, or none that can be read: DMARC cannot protect
    return moon.reject {
      esc = "5.7.1",
      text = "the From field names no single domain (RFC 5322)",
      reason = "From names no single domain: " .. (m.from.reason or "unknown"),
    }
  end
  if m.dmarc.result ~= "fail" then
    return moon.accept {}
  end
  local asked <const> = m.dmarc.policy
  if asked == "reject" then
    return moon.reject {
      esc = "5.7.1",
      text = "rejected by the DMARC policy of " .. m.from.domain,
      reason = "DMARC policy of " .. m.from.domain .. " asks for reject",
    }
  end
  if asked == "quarantine" then
    return moon.quarantine { reason = "DMARC policy of " .. m.from.domain .. " asks for quarantine" }
  end
  return moon.accept {}
end

-- Tests, which are not part of the program: `moonscan test policies/strict.lua`.
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
      expect = { verdict = "accept", dmarc = "pass" } },
    { name = "p=reject", zone = zone, message = { from = "a@bank.example" }, rcpt = "x@example.org",
      expect = { verdict = "reject", esc = "5.7.1", text = "DMARC policy of bank.example" } },
    { name = "p=quarantine", zone = zone, message = { from = "a@mild.example" }, rcpt = "x@example.org",
      expect = { verdict = "quarantine" } },
    { name = "p=none", zone = zone, message = { from = "a@loose.example" }, rcpt = "x@example.org",
      expect = { verdict = "accept", dmarc = "fail" } },
    { name = "p=reject; t=y is one step milder", zone = zone, message = { from = "a@test.example" }, rcpt = "x@example.org",
      expect = { verdict = "quarantine" } },
    { name = "no record", zone = zone, message = { from = "a@nothing.example" }, rcpt = "x@example.org",
      expect = { verdict = "accept", dmarc = "none" } },
    { name = "DNS trouble", zone = zone, message = { from = "a@broken.example" }, rcpt = "x@example.org",
      expect = { verdict = "accept", dmarc = "temperror" } },
    { name = "two authors of two domains", zone = zone, message = { from = "a@bank.example, b@mild.example" }, rcpt = "x@example.org",
      expect = { verdict = "reject", esc = "5.7.1", text = "no single domain" } },
  }
end

return policy
