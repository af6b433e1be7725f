-- SPDX-License-Identifier: MIT
--
-- The policy that customers share; what differs between them are settings in tenants.lua.

local moon <const> = require "moonscan"
local forwarders <const> = moon.list "forwarders"

local policy = {}

-- What the customer wants done, by a setting.
local function refuse(choice, text, reason)
  if choice == "reject" then
    return moon.reject { esc = "5.7.1", text = text, reason = reason }
  end
  return moon.quarantine { reason = reason, override = "local_policy" }
end

function policy.message(m)
  local settings <const> = m.tenant.settings

  if m.dmarc.result == "temperror" and settings.patience_hours > 0 then
    local domain <const> = m.from.domain or "the author's domain"
    local waited <const> = moon.first_seen { key = "temperror " .. domain, keep = "2d" }
    if waited and waited < settings.patience_hours * 3600 then
      return moon.defer { esc = "4.7.0", text = "the DMARC policy of " .. domain .. " cannot be read now" }
    end
  end
  if m.dmarc.result == "pass" then
    return
  end

  local via <const> = forwarders:match(m)
  if via then
    return moon.accept { override = "trusted_forwarder", via = via }
  end
  if m.from.ours and not m.session.authenticated then
    return refuse(settings.own_name, "mail from " .. m.from.domain .. " is sent by its own hosts only",
      "the customer's own domain from outside")
  end
  if m.dmarc.result == "fail" and m.dmarc.policy == "reject" then
    return refuse(settings.forged, "DMARC policy of " .. m.from.domain,
      "DMARC policy of " .. m.from.domain .. " asks for reject")
  end
  if m.dmarc.result == "fail" and m.dmarc.policy == "none" and settings.tag ~= "" then
    return moon.accept { tag = settings.tag, reason = "fails DMARC under p=none" }
  end
end

local zone <const> = [[
  _dmarc.bank.example.   TXT "v=DMARC1; p=reject"
  _dmarc.mild.example.   TXT "v=DMARC1; p=quarantine"
  _dmarc.loose.example.  TXT "v=DMARC1; p=none"
  _dmarc.broken.example. TXT TIMEOUT
]]

-- One test for one customer: his own address, unless the fields say another.
local function test(tenant, name, fields)
  fields.name = tenant .. ": " .. name
  fields.tenant = tenant
  fields.zone = zone
  fields.rcpt = fields.rcpt or "x@" .. tenant .. ".example"
  return fields
end

function policy.tests()
  return {
    test("customer-a", "mail in order", {
      message = { from = "a@bank.example", sign = {} }, expect = { verdict = "accept", layer = "built-in" },
    }),
    test("customer-a", "a forgery under p=reject is refused", {
      message = { from = "a@bank.example" }, expect = { verdict = "reject", text = "DMARC policy of bank.example" },
    }),
    test("customer-b", "the same is quarantined", {
      message = { from = "a@bank.example" }, expect = { verdict = "quarantine", override = "local_policy" },
    }),
    test("customer-b", "what the owner wants quarantined is, by the built-in policy", {
      message = { from = "a@mild.example" }, expect = { verdict = "quarantine", layer = "built-in" },
    }),
    test("customer-a", "p=none gets a tag", {
      message = { from = "a@loose.example" }, expect = { verdict = "accept", tag = "[unverified]" },
    }),
    test("customer-b", "p=none gets none", {
      message = { from = "a@loose.example" }, expect = { verdict = "accept", layer = "built-in" },
    }),
    test("customer-a", "his own name from outside", {
      message = { from = "boss@shop.customer-a.example" }, expect = { verdict = "reject", text = "its own hosts only" },
    }),
    test("customer-b", "his own name from outside, wanted in quarantine", {
      message = { from = "boss@customer-b.example" }, expect = { verdict = "quarantine", reason = "own domain" },
    }),
    test("customer-b", "another customer's name is not his own", {
      message = { from = "boss@customer-a.example" }, expect = { verdict = "accept", layer = "built-in" },
    }),
    test("customer-a", "forwarded by our own host", {
      ip = "203.0.113.10", message = { from = "a@bank.example" },
      expect = { verdict = "accept", override = "trusted_forwarder" },
    }),
    test("customer-b", "forwarded by the branch office, which his own list has", {
      message = { from = "a@bank.example", sign = { { domain = "branch.example" } } },
      expect = { verdict = "accept", override = "trusted_forwarder", comment = "Branch office" },
    }),
    test("customer-a", "which is nothing to him", {
      message = { from = "a@bank.example", sign = { { domain = "branch.example" } } }, expect = { verdict = "reject" },
    }),
    test("customer-a", "DNS trouble: later", {
      message = { from = "a@broken.example" }, expect = { verdict = "defer", esc = "4.7.0" },
    }),
    test("customer-a", "DNS trouble for too long", {
      earlier = "5h", message = { from = "a@broken.example" }, expect = { verdict = "accept", layer = "built-in" },
    }),
    test("customer-b", "has no patience", {
      message = { from = "a@broken.example" }, expect = { verdict = "accept", layer = "built-in" },
    }),
  }
end

return policy
