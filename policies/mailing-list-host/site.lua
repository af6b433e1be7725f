-- SPDX-License-Identifier: MIT
--
-- A host of mailing lists. What it takes it sends to thousands, in its own name as far as reputation
-- goes; what it takes and cannot send comes back to it. So mail whose author's domain disowns it is
-- refused at once, while the one who sends it is still there to hear of it. For the list software a
-- field says whose authors' domains ask receivers to refuse mail that comes by a list: those need
-- another From (Mailman: dmarc_mitigate_action).

local moon <const> = require "moonscan"
local upstream <const> = moon.list "upstream_lists"

local PATIENCE <const> = 24 * 3600 -- a list is not in a hurry

local policy = {}

-- Is every recipient the address of a list that takes its bounces?
local function to_bounces(m)
  for _, address in ipairs(m.recipients) do
    if not address:lower():find("^[^@]*%-bounces[^@]*@") then
      return false
    end
  end
  return #m.recipients > 0
end

function policy.message(m)
  -- Bounces of what we sent; their hosts often have no name that authenticates.
  if m.envelope.null_sender and to_bounces(m) then
    return moon.accept { override = "local_policy", comment = "a bounce for a list" }
  end

  -- A list hands the From field on, or writes a new one: it has to be one.
  if not m.from.domain then
    return moon.reject {
      esc = "5.6.0",
      text = "a list needs a From field with exactly one author",
      reason = "From names no single domain: " .. (m.from.reason or "unknown"),
    }
  end

  if m.from.ours and m.dmarc.result ~= "pass" and not m.session.authenticated then
    return moon.reject { esc = "5.7.1", text = "mail from " .. m.from.domain .. " is sent by its own hosts only" }
  end

  if m.dmarc.result == "temperror" then
    local waited <const> = moon.first_seen { key = "temperror " .. m.from.domain, keep = "7d" }
    if not waited or waited < PATIENCE then
      return moon.defer { esc = "4.7.0", text = "the DMARC policy of " .. m.from.domain .. " cannot be read now" }
    end
    return moon.reject { esc = "5.7.1", text = "the DMARC policy of " .. m.from.domain .. " cannot be read" }
  end

  if m.dmarc.result == "fail" then
    local via <const> = upstream:match(m)
    if via then
      return moon.accept { override = "mailing_list", via = via }
    end
    if m.dmarc.policy == "reject" or m.dmarc.policy == "quarantine" then
      return moon.reject {
        esc = "5.7.1",
        text = "refused by the DMARC policy of " .. m.from.domain .. "; this list would only pass it on",
      }
    end
  end

  -- For the list software: does this author need another From field when the list changes his mail?
  if m.dmarc.policy == "reject" or m.dmarc.policy == "quarantine" then
    return moon.accept { headers = { "X-Author-Domain-Policy: " .. m.dmarc.policy } }
  end
end

local function always(m)
  return moon.accept { override = m.dmarc.result == "fail" and "local_policy" or nil }
end
policy.recipients = { postmaster = always, abuse = always, ["list-owner"] = always }

local zone <const> = [[
  bank.example.              TXT "v=spf1 ip4:192.0.2.7 -all"
  _dmarc.bank.example.       TXT "v=DMARC1; p=reject"
  small.example.             TXT "v=spf1 ip4:192.0.2.8 -all"
  _dmarc.small.example.      TXT "v=DMARC1; p=none"
  _dmarc.broken.example.     TXT TIMEOUT
  _dmarc.lists.example.org.  TXT "v=DMARC1; p=quarantine"
]]
local rcpt <const> = "gardening@lists.example.org"

function policy.tests()
  return {
    {
      name = "an author whose mail is in order",
      zone = zone, ip = "192.0.2.8", rcpt = rcpt, message = { from = "a@small.example" },
      expect = { verdict = "accept", layer = "built-in" },
    },
    {
      name = "the same under p=reject: the list software is told",
      zone = zone, ip = "192.0.2.7", rcpt = rcpt, message = { from = "a@bank.example" },
      expect = { verdict = "accept", headers = { "X-Author-Domain-Policy: reject" } },
    },
    {
      name = "a forgery under p=reject goes to nobody",
      zone = zone, rcpt = rcpt, message = { from = "a@bank.example" },
      expect = { verdict = "reject", esc = "5.7.1", text = "bank.example" },
    },
    {
      name = "the same under p=none is taken",
      zone = zone, rcpt = rcpt, message = { from = "a@small.example" },
      expect = { verdict = "accept", dmarc = "fail", layer = "built-in" },
    },
    {
      name = "a list of another host that is subscribed here",
      zone = zone, rcpt = rcpt,
      message = {
        from = "a@bank.example", sign = { {}, { domain = "federation.example", late = true } },
        headers = { "List-Id: <announce.federation.example>" }, changed = { append = "footer\n" },
      },
      expect = { verdict = "accept", override = "mailing_list" },
    },
    {
      name = "a bounce, whatever it looks like",
      zone = zone, mail_from = "", rcpt = "gardening-bounces+ann=a.example@lists.example.org",
      message = { from = "MAILER-DAEMON@bank.example" },
      expect = { verdict = "accept", override = "local_policy", dmarc = "fail" },
    },
    {
      name = "a bounce to the list itself is none",
      zone = zone, mail_from = "", rcpt = rcpt, message = { from = "MAILER-DAEMON@bank.example" },
      expect = { verdict = "reject" },
    },
    {
      name = "a bounce to one that takes them and one that does not",
      zone = zone, mail_from = "", rcpt = { "gardening-bounces@lists.example.org", rcpt },
      message = { from = "MAILER-DAEMON@bank.example" },
      expect = { verdict = "reject" },
    },
    {
      name = "two authors of two domains",
      zone = zone, rcpt = rcpt, message = { from = "a@bank.example, b@small.example" },
      expect = { verdict = "reject", esc = "5.6.0" },
    },
    {
      name = "our own name from outside",
      zone = zone, rcpt = rcpt, message = { from = "gardening@lists.example.org" },
      expect = { verdict = "reject", text = "its own hosts only" },
    },
    {
      name = "DNS trouble: later",
      zone = zone, rcpt = rcpt, message = { from = "a@broken.example" },
      expect = { verdict = "defer", esc = "4.7.0" },
    },
    {
      name = "DNS trouble for more than a day",
      zone = zone, rcpt = rcpt, earlier = "25h", message = { from = "a@broken.example" },
      expect = { verdict = "reject", text = "cannot be read" },
    },
    {
      name = "the owner gets what the list would not",
      zone = zone, rcpt = "list-owner@lists.example.org", message = { from = "a@bank.example" },
      expect = { verdict = "accept", layer = "recipient", override = "local_policy" },
    },
  }
end

return policy
