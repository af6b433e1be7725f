-- SPDX-License-Identifier: MIT
--
-- Quarantine first: for a site that begins, or one where a lost message costs more than one that has to
-- be looked at. Nothing is refused for good, and nothing is thrown away: what is doubtful goes into
-- quarantine with the reason, what somebody then finds to be in order gets an entry in
-- lists/known.lua. When the quarantine has become boring, take the policy "strict".

local moon <const> = require "moonscan"
local known <const> = moon.list "known"

local policy = {}

-- Why a message is doubtful; nil: it is not.
local function doubt(m)
  if not m.from.domain then
    return "From names no single domain: " .. (m.from.reason or "unknown")
  end
  if m.from.ours and m.dmarc.result ~= "pass" then
    return "our own domain, but not from us"
  end
  if m.dmarc.result == "fail" and m.dmarc.policy ~= "none" then
    return "DMARC policy of " .. m.from.domain .. " asks for " .. m.dmarc.policy
  end
  if m.spf.result == "permerror" then
    return "the SPF record of " .. (m.spf.domain or "the sender") .. " is wrong"
  end
  if #m.dkim > 0 and m.dkim.result ~= "pass" and m.spf.result ~= "pass" then
    return "no signature holds, and SPF does not pass"
  end
end

function policy.message(m)
  if m.session.authenticated then
    return moon.accept {}
  end
  local why <const> = doubt(m)
  if not why then
    return moon.accept {}
  end
  local who <const> = known:match(m)
  if who then
    return moon.accept { override = "local_policy", via = who }
  end
  return moon.quarantine { reason = why, override = m.dmarc.policy == "reject" and "local_policy" or nil }
end

local function always(m)
  return moon.accept { override = m.dmarc.result == "fail" and "local_policy" or nil }
end
policy.recipients = { postmaster = always, abuse = always }

local zone <const> = [[
  bank.example.              TXT "v=spf1 ip4:192.0.2.7 -all"
  _dmarc.bank.example.       TXT "v=DMARC1; p=reject"
  loose.example.             TXT "v=spf1 ip4:192.0.2.8 ~all"
  _dmarc.loose.example.      TXT "v=DMARC1; p=none"
  wrong.example.             TXT "v=spf1 include:wrong.example -all"
  _dmarc.broken.example.     TXT TIMEOUT
  _dmarc.tickets.example.    TXT "v=DMARC1; p=reject"
]]
local rcpt <const> = "office@example.org"

function policy.tests()
  return {
    { name = "mail in order", zone = zone, ip = "192.0.2.7", rcpt = rcpt, message = { from = "a@bank.example" },
      expect = { verdict = "accept", dmarc = "pass" } },
    { name = "a forgery under p=reject waits for somebody to look", zone = zone, rcpt = rcpt,
      message = { from = "a@bank.example" },
      expect = { verdict = "quarantine", override = "local_policy", reason = "bank.example asks for reject" } },
    { name = "under p=none it is delivered", zone = zone, rcpt = rcpt, message = { from = "a@loose.example" },
      expect = { verdict = "accept", dmarc = "fail" } },
    { name = "under p=none with a broken signature", zone = zone, rcpt = rcpt,
      message = { from = "a@loose.example", sign = { broken = true } },
      expect = { verdict = "quarantine", override = false, reason = "no signature holds" } },
    { name = "a broken signature alone is no doubt: lists do that", zone = zone, ip = "192.0.2.8", rcpt = rcpt,
      message = { from = "a@loose.example", sign = { broken = true } }, expect = { verdict = "accept" } },
    { name = "an SPF record that is wrong", zone = zone, rcpt = rcpt, message = { from = "a@wrong.example" },
      expect = { verdict = "quarantine", spf = "permerror", reason = "wrong.example" } },
    { name = "our own name from outside", rcpt = rcpt, message = { from = "boss@example.org" },
      expect = { verdict = "quarantine", reason = "not from us" } },
    { name = "our own name by a client that has authenticated", rcpt = rcpt, authenticated = true,
      message = { from = "boss@example.org" }, expect = { verdict = "accept" } },
    { name = "two authors of two domains", zone = zone, rcpt = rcpt,
      message = { from = "a@bank.example, b@loose.example" },
      expect = { verdict = "quarantine", reason = "no single domain" } },
    { name = "DNS trouble holds up nothing", zone = zone, rcpt = rcpt, message = { from = "a@broken.example" },
      expect = { verdict = "accept", dmarc = "temperror" } },
    { name = "one that somebody has looked at", zone = zone, rcpt = rcpt, ip = "198.51.100.77",
      message = { from = "a@tickets.example" },
      expect = { verdict = "accept", override = "local_policy", comment = "ticket system" } },
    { name = "its name from elsewhere", zone = zone, rcpt = rcpt, message = { from = "a@tickets.example" },
      expect = { verdict = "quarantine" } },
    { name = "postmaster gets everything", zone = zone, rcpt = "postmaster@example.org",
      message = { from = "a@bank.example" },
      expect = { verdict = "accept", layer = "recipient", override = "local_policy" } },
  }
end

return policy
