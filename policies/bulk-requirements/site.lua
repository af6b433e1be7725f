-- SPDX-License-Identifier: MIT
--
-- What Google, Yahoo and Microsoft ask of those who send to them, asked of those who send to us: SPF or
-- DKIM of everybody; of bulk senders both, aligned with From, a DMARC record, one-click unsubscribing.
-- The requirements are data with a date (moon.profile); what is done about an unmet one is said here.
-- "Bulk" is a number that fits this site, not theirs: messages of one organization in 24 hours, proven
-- ones only.

local moon <const> = require "moonscan"
local google <const> = moon.profile "google"
local microsoft <const> = moon.profile "microsoft"
local yahoo <const> = moon.profile "yahoo"
local exempt <const> = moon.list "exempt"

local BULK <const> = 100 -- messages a day from which on a sender is a bulk sender here
local LENIENT <const> = { tls = true, reverse_dns = true } -- these are told in a field, and no more

local policy = {}

function policy.message(m)
  local volume <const> = m.sender.volume_24h -- asked of every message, so that all are counted
  local options <const> = { bulk = volume ~= nil and volume >= BULK }

  -- Forgeries are DMARC's business: the built-in policy does what it says.
  if m.dmarc.result == "fail" and m.dmarc.policy ~= "none" then
    return
  end
  local who <const> = exempt:match(m)
  if who then
    return moon.accept { override = "local_policy", via = who }
  end

  for _, profile in ipairs { google, microsoft } do
    local unmet <const> = profile:check(m, options)
    if unmet and not LENIENT[unmet.requirement] then
      local why <const> = profile.name .. ": " .. unmet.requirement
      if unmet.of == "bulk" then
        return moon.defer { esc = "4" .. unmet.esc:sub(2), text = unmet.text, reason = why }
      end
      return moon.reject { esc = unmet.esc, text = unmet.text, reason = why }
    end
  end

  -- What is not asked for yet, or only advised: a field, for whoever counts it.
  local fields <const> = {}
  for _, profile in ipairs { google, microsoft, yahoo } do
    for _, unmet in ipairs(profile:unmet(m, options)) do
      fields[#fields + 1] = "X-Sender-Requirement: " .. profile.name .. " " .. unmet.requirement
    end
  end
  if #fields > 0 then
    return moon.accept { headers = fields }
  end
end

local function always(m)
  return moon.accept { override = m.dmarc.result == "fail" and "local_policy" or nil }
end
policy.recipients = { postmaster = always, abuse = always }

local zone <const> = [[
  shop.example.              TXT "v=spf1 ip4:192.0.2.7 -all"
  _dmarc.shop.example.       TXT "v=DMARC1; p=none"
  plain.example.             TXT "v=spf1 ip4:192.0.2.8 -all"
  bank.example.              TXT "v=spf1 ip4:192.0.2.9 -all"
  _dmarc.bank.example.       TXT "v=DMARC1; p=reject"
]]
-- Somebody who has sent 100 messages since this morning.
local earlier <const> = {}
for i = 1, 100 do
  earlier[i] = "6h"
end

local function test(name, fields)
  fields.name = name
  fields.zone = zone
  fields.hostname = fields.hostname or "mx.shop.example"
  if fields.tls == nil then
    fields.tls = true
  end
  return fields
end

function policy.tests()
  return {
    test("a letter in order", {
      ip = "192.0.2.7", message = { from = "a@shop.example", sign = {} },
      expect = { verdict = "accept", layer = "built-in" },
    }),
    test("neither SPF nor DKIM", {
      message = { from = "a@plain.example" },
      expect = { verdict = "reject", esc = "5.7.26", text = "neither SPF nor DKIM passes", reason = "google: spf_or_dkim" },
    }),
    test("a letter of a domain without DMARC is fine", {
      ip = "192.0.2.8", message = { from = "a@plain.example" },
      expect = { verdict = "accept", spf = "pass", dmarc = "none" },
    }),
    test("without TLS: told in a field", {
      ip = "192.0.2.7", tls = "", message = { from = "a@shop.example", sign = {} },
      expect = { verdict = "accept", headers = { "X-Sender-Requirement: google tls" } },
    }),
    test("bulk, and in order", {
      ip = "192.0.2.7", earlier = earlier, message = { from = "a@shop.example", sign = {} },
      expect = { verdict = "accept" },
    }),
    test("bulk without a signature: later, until they sign", {
      ip = "192.0.2.7", earlier = earlier, message = { from = "a@shop.example" },
      expect = { verdict = "defer", esc = "4.7.30", text = "DKIM must pass", reason = "google: dkim" },
    }),
    test("bulk without DMARC", {
      ip = "192.0.2.8", earlier = earlier, message = { from = "a@plain.example", sign = {} },
      expect = { verdict = "defer", reason = "google: dmarc_record" },
    }),
    test("a newsletter in bulk without one-click unsubscribing", {
      ip = "192.0.2.7", earlier = earlier,
      message = { from = "a@shop.example", headers = { "List-Unsubscribe: <mailto:u@shop.example>" }, sign = {} },
      expect = { verdict = "defer", reason = "one_click" },
    }),
    test("the same unsigned letter, when nothing can be counted", {
      ip = "192.0.2.7", store = false, message = { from = "a@shop.example" },
      expect = { verdict = "accept" },
    }),
    test("a forgery of a bank is DMARC's business", {
      message = { from = "a@bank.example" },
      expect = { verdict = "quarantine", layer = "built-in" },
    }),
    test("the town library is let off", {
      ip = "198.51.100.40", hostname = "", message = { from = "a@library.example" },
      expect = { verdict = "accept", override = "local_policy", comment = "Town library" },
    }),
    test("postmaster is reached by those who were refused", {
      rcpt = "postmaster@example.org", message = { from = "a@plain.example" },
      expect = { verdict = "accept", layer = "recipient" },
    }),
  }
end

return policy
