-- SPDX-License-Identifier: MIT
--
-- A university whose members have mail forwarded to them: by alumni services, societies, their former
-- employers. Forwarding breaks SPF and sometimes the author's signature; mail of domains with
-- p=reject would be lost. Who forwards for us stands in lists/forwarders.lua, each with its
-- conditions; reports to domain owners then say "trusted_forwarder". What else fails is quarantined
-- by the built-in policy "standard", so that nothing is lost.

local moon <const> = require "moonscan"
local forwarders <const> = moon.list "forwarders"
local mailing_lists <const> = moon.list "mailing_lists"

local PATIENCE <const> = 4 * 3600 -- seconds that a sender waits while DNS is in trouble

local policy = {}

function policy.message(m)
  -- DNS is in trouble: come again. Not for ever: after four hours the message is taken as it is.
  if m.dmarc.result == "temperror" then
    local domain <const> = m.from.domain or "the author's domain"
    local waited <const> = moon.first_seen { key = "temperror " .. domain, keep = "2d" }
    if waited and waited < PATIENCE then
      return moon.defer { esc = "4.7.0", text = "the DMARC policy of " .. domain .. " cannot be read now" }
    end
    return moon.accept { reason = "DMARC of " .. domain .. " stays unknown" }
  end

  if m.dmarc.result == "pass" then
    return
  end

  -- Somebody whom we know handed it on.
  local via <const> = forwarders:match(m)
  if via and (not via.arc or m.arc:vouches(via, "dmarc")) then
    return moon.accept { override = "trusted_forwarder", via = via }
  end
  local list <const> = mailing_lists:match(m)
  if list then
    return moon.accept { override = "mailing_list", via = list }
  end

  -- In our own name, from outside, and not by a forwarder of ours.
  if m.from.ours and not m.session.authenticated then
    return moon.reject {
      esc = "5.7.1",
      text = "mail from " .. m.from.domain .. " is sent by its own hosts only",
      reason = "our own domain from outside",
    }
  end
end

-- Complaints and questions must arrive, whatever the sender's records say.
local function always(m)
  if m.dmarc.result == "fail" then
    return moon.accept { override = "local_policy", comment = "mail to this address is always taken" }
  end
  return moon.accept {}
end
policy.recipients = { postmaster = always, abuse = always }

local zone <const> = [[
  bank.example.              TXT "v=spf1 ip4:192.0.2.7 -all"
  _dmarc.bank.example.       TXT "v=DMARC1; p=reject"
  _dmarc.broken.example.     TXT SERVFAIL
  example.edu.               TXT "v=spf1 ip4:203.0.113.0/24 -all"
  _dmarc.example.edu.        TXT "v=DMARC1; p=none"
  lists.example.             TXT "v=spf1 ip4:198.51.100.25 -all"
]]
local bank <const> = "Ann <ann@bank.example>"
local rcpt <const> = "student@example.edu"

function policy.tests()
  return {
    {
      name = "a bank's mail, straight from the bank",
      zone = zone, ip = "192.0.2.7", rcpt = rcpt, message = { from = bank },
      expect = { verdict = "accept", layer = "built-in", dmarc = "pass" },
    },
    {
      name = "forwarded by the alumni service, which signs",
      zone = zone, rcpt = rcpt,
      message = { from = bank, sign = { { broken = true }, { domain = "alumni.example", late = true } } },
      expect = { verdict = "accept", override = "trusted_forwarder", comment = "Alumni service", dmarc = "fail" },
    },
    {
      name = "the alumni service's entry has expired",
      now = "2031-01-01", zone = zone, rcpt = rcpt,
      message = { from = bank, sign = { { domain = "alumni.example" } } },
      expect = { verdict = "quarantine", layer = "built-in" },
    },
    {
      name = "forwarded by a host that signs nothing",
      zone = zone, ip = "198.51.100.3", rcpt = rcpt, message = { from = bank },
      expect = { verdict = "accept", override = "trusted_forwarder", comment = "Society" },
    },
    {
      name = "the same host, from next to the network",
      zone = zone, ip = "198.51.100.16", rcpt = rcpt, message = { from = bank },
      expect = { verdict = "quarantine" },
    },
    {
      name = "forwarded by a provider that seals, and that saw DMARC pass",
      zone = zone, rcpt = rcpt,
      message = {
        from = bank,
        seal = { { domain = "provider.example", results = "mx.provider.example; dmarc=pass header.from=bank.example" } },
      },
      expect = { verdict = "accept", override = "trusted_forwarder", arc = "pass" },
    },
    {
      name = "sealed by that provider, which saw DMARC fail",
      zone = zone, rcpt = rcpt,
      message = {
        from = bank,
        seal = { { domain = "provider.example", results = "mx.provider.example; dmarc=fail header.from=bank.example" } },
      },
      expect = { verdict = "quarantine", arc = "pass" },
    },
    {
      name = "sealed by anybody else",
      zone = zone, rcpt = rcpt,
      message = {
        from = bank,
        seal = { { domain = "evil.example", results = "mx.evil.example; dmarc=pass header.from=bank.example" } },
      },
      expect = { verdict = "quarantine", arc = "pass" },
    },
    {
      name = "a mailing list with a footer",
      zone = zone, rcpt = rcpt, ip = "198.51.100.25", mail_from = "math-bounces@lists.example",
      message = {
        from = bank, sign = { { } }, headers = { "List-Id: <math.lists.example>" },
        changed = { subject = "[math] Test", append = "-- \nfooter\n" },
      },
      expect = { verdict = "accept", override = "mailing_list", dkim = "fail" },
    },
    {
      name = "the same List-Id, written by a stranger",
      zone = zone, rcpt = rcpt,
      message = { from = bank, headers = { "List-Id: <math.lists.example>" } },
      expect = { verdict = "quarantine" },
    },
    {
      name = "our own name from outside",
      zone = zone, rcpt = rcpt, message = { from = "rector@example.edu" },
      expect = { verdict = "reject", esc = "5.7.1", text = "its own hosts only" },
    },
    {
      name = "our own name by a client that has authenticated",
      zone = zone, rcpt = rcpt, authenticated = true, message = { from = "rector@example.edu" },
      expect = { verdict = "accept", layer = "built-in" },
    },
    {
      name = "our own alumni mail comes back by the alumni service",
      zone = zone, rcpt = rcpt,
      message = { from = "rector@example.edu", sign = { { domain = "alumni.example" } } },
      expect = { verdict = "accept", override = "trusted_forwarder" },
    },
    {
      name = "DNS trouble: later",
      zone = zone, rcpt = rcpt, message = { from = "a@broken.example" },
      expect = { verdict = "defer", esc = "4.7.0", text = "broken.example", dmarc = "temperror" },
    },
    {
      name = "DNS trouble for more than four hours",
      zone = zone, rcpt = rcpt, earlier = { "5h", "1h" }, message = { from = "a@broken.example" },
      expect = { verdict = "accept", reason = "stays unknown" },
    },
    {
      name = "DNS trouble, and the counter store is down: not for ever either",
      zone = zone, rcpt = rcpt, store = false, message = { from = "a@broken.example" },
      expect = { verdict = "accept" },
    },
    {
      name = "postmaster gets everything",
      zone = zone, rcpt = "Postmaster@example.edu", message = { from = bank },
      expect = { verdict = "accept", override = "local_policy", layer = "recipient", dmarc = "fail" },
    },
    {
      name = "abuse too, and mail in order is no override",
      zone = zone, ip = "192.0.2.7", rcpt = "abuse@example.edu", message = { from = bank },
      expect = { verdict = "accept", override = false, layer = "recipient" },
    },
    {
      name = "postmaster and another one: the message is judged",
      zone = zone, rcpt = { "postmaster@example.edu", rcpt }, message = { from = bank },
      expect = { verdict = "quarantine" },
    },
  }
end

return policy
