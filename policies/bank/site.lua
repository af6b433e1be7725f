-- SPDX-License-Identifier: MIT
--
-- Strict, for a bank and for whoever is worth deceiving. What domain owners ask for is done (the
-- built-in policy "strict"), forgeries of our own domains are refused, and mail that nobody vouches
-- for is not delivered as if it were mail: neither SPF nor DKIM passes, an SPF record is wrong, a
-- signature is broken. That is more than DMARC asks for, also under p=none: a choice, made here in
-- one place (UNPROVEN, SPF_ERROR, BROKEN). Whatever cannot be judged waits, for a day.

local moon <const> = require "moonscan"
local partners <const> = moon.list "partners"

local PATIENCE <const> = 24 * 3600
-- What becomes of mail that DMARC does not condemn, but that nothing vouches for.
local UNPROVEN <const> = "quarantine"
local SPF_ERROR <const> = "reject" -- RFC 7208: permerror; the sender can mend it
local BROKEN <const> = "quarantine" -- signed, and no signature holds

local policy = {}

-- RFC 7372 has codes of its own for refusals by SPF and DKIM.
local function by_choice(choice, esc, text)
  if choice == "reject" then
    return moon.reject { esc = esc, text = text, reason = text }
  end
  return moon.quarantine { reason = text }
end

function policy.message(m)
  if m.from.ours and m.dmarc.result ~= "pass" and not m.session.authenticated then
    return moon.reject {
      esc = "5.7.1",
      text = "mail from " .. m.from.domain .. " is sent by its own hosts only",
      reason = "our own domain from outside",
    }
  end

  if m.dmarc.result == "temperror" or m.spf.result == "temperror" and m.dmarc.result ~= "pass" then
    local domain <const> = m.from.domain or "the author's domain"
    local waited <const> = moon.first_seen { key = "temperror " .. domain, keep = "7d" }
    if not waited or waited < PATIENCE then
      return moon.defer { esc = "4.7.0", text = domain .. " cannot be checked now" }
    end
    return moon.quarantine { reason = domain .. " could not be checked for a day" }
  end

  if m.dmarc.result == "pass" then
    return
  end

  local partner <const> = partners:match(m)
  if partner then
    return moon.accept { override = "local_policy", via = partner }
  end
  if not m.from.domain or m.dmarc.result == "fail" and m.dmarc.policy ~= "none" then
    return -- "strict" does what the owner asks for, and refuses a From field without one author
  end

  if m.spf.result == "permerror" then
    return by_choice(SPF_ERROR, "5.7.24", "the SPF record of " .. (m.spf.domain or "the sender") .. " is wrong")
  end
  if #m.dkim > 0 and m.dkim.result ~= "pass" then
    return by_choice(BROKEN, "5.7.20", "no DKIM signature of this message holds")
  end
  if m.spf.result ~= "pass" and m.dkim.result ~= "pass" then
    return by_choice(UNPROVEN, "5.7.1", "nothing proves where this message comes from")
  end
end

local function always(m)
  return moon.accept { override = m.dmarc.result == "fail" and "local_policy" or nil }
end
policy.recipients = { postmaster = always, abuse = always, phishing = always }

local zone <const> = [[
  good.example.              TXT "v=spf1 ip4:192.0.2.7 -all"
  _dmarc.good.example.       TXT "v=DMARC1; p=reject"
  clearing.example.          TXT "v=spf1 -all"
  _dmarc.clearing.example.   TXT "v=DMARC1; p=reject"
  loose.example.             TXT "v=spf1 ip4:192.0.2.8 ~all"
  _dmarc.loose.example.      TXT "v=DMARC1; p=none"
  wrong.example.             TXT "v=spf1 ip4:192.0.2.300 -all"
  _dmarc.wrong.example.      TXT "v=DMARC1; p=none"
  _dmarc.broken.example.     TXT TIMEOUT
  _dmarc.bank.example.       TXT "v=DMARC1; p=reject"
  bank.example.              TXT "v=spf1 ip4:203.0.113.5 -all"
]]
local rcpt <const> = "teller@bank.example"

function policy.tests()
  return {
    {
      name = "mail in order",
      zone = zone, ip = "192.0.2.7", rcpt = rcpt, message = { from = "a@good.example" },
      expect = { verdict = "accept", layer = "built-in", dmarc = "pass" },
    },
    {
      name = "a forgery under p=reject",
      zone = zone, rcpt = rcpt, message = { from = "a@good.example" },
      expect = { verdict = "reject", layer = "built-in", text = "DMARC policy of good.example" },
    },
    {
      name = "our own name from outside",
      zone = zone, rcpt = rcpt, message = { from = "ceo@bank.example" },
      expect = { verdict = "reject", esc = "5.7.1", text = "its own hosts only", layer = "site" },
    },
    {
      name = "a domain of ours that never sends, and has no records",
      zone = zone, rcpt = rcpt, message = { from = "ceo@bank-mail.example" },
      expect = { verdict = "reject", text = "its own hosts only", dmarc = "none" },
    },
    {
      name = "our own mail from our own host",
      zone = zone, ip = "203.0.113.5", rcpt = rcpt, message = { from = "ceo@bank.example" },
      expect = { verdict = "accept" },
    },
    {
      name = "under p=none, softfail and unsigned: nothing proves it",
      zone = zone, rcpt = rcpt, message = { from = "a@loose.example" },
      expect = { verdict = "quarantine", reason = "nothing proves", spf = "softfail", dmarc = "fail" },
    },
    {
      name = "no records at all",
      rcpt = rcpt, message = { from = "a@nothing.example" },
      expect = { verdict = "quarantine", reason = "nothing proves", dmarc = "none" },
    },
    {
      name = "no DMARC record, but a signature that holds",
      rcpt = rcpt, message = { from = "a@nothing.example", sign = {} },
      expect = { verdict = "accept", layer = "built-in" },
    },
    {
      name = "an SPF record that is wrong",
      zone = zone, rcpt = rcpt, message = { from = "a@wrong.example" },
      expect = { verdict = "reject", esc = "5.7.24", spf = "permerror", text = "wrong.example" },
    },
    {
      name = "a broken signature under p=none",
      zone = zone, rcpt = rcpt, message = { from = "a@loose.example", sign = { broken = true } },
      expect = { verdict = "quarantine", reason = "no DKIM signature" },
    },
    {
      name = "a partner, within what was agreed",
      zone = zone, ip = "198.51.100.8", rcpt = "reports@bank.example", message = { from = "a@clearing.example" },
      expect = { verdict = "accept", override = "local_policy", comment = "clearing house" },
    },
    {
      name = "the same partner to somebody else",
      zone = zone, ip = "198.51.100.8", rcpt = rcpt, message = { from = "a@clearing.example" },
      expect = { verdict = "reject", layer = "built-in" },
    },
    {
      name = "DNS trouble: later, also when nothing can be counted",
      zone = zone, rcpt = rcpt, store = false, message = { from = "a@broken.example" },
      expect = { verdict = "defer", text = "broken.example" },
    },
    {
      name = "DNS trouble for more than a day",
      zone = zone, rcpt = rcpt, earlier = "25h", message = { from = "a@broken.example" },
      expect = { verdict = "quarantine", reason = "for a day" },
    },
    {
      name = "two authors of two domains",
      zone = zone, rcpt = rcpt, message = { from = "a@good.example, b@loose.example" },
      expect = { verdict = "reject", layer = "built-in", text = "no single domain" },
    },
    {
      name = "what people report as phishing must arrive",
      zone = zone, rcpt = "phishing@bank.example", message = { from = "a@good.example" },
      expect = { verdict = "accept", override = "local_policy", layer = "recipient" },
    },
  }
end

return policy
