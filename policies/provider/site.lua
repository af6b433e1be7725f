-- SPDX-License-Identifier: MIT
--
-- The provider's own rules. `locked` is asked before every customer's policy, and its verdict is final:
-- whoever was refused can ask postmaster and abuse why, of any customer, and nobody else can be sent mail
-- that pretends to come from the provider's support.

local moon <const> = require "moonscan"

local policy = {}

-- Is the message for postmaster and abuse, and for nobody else?
local function asks_us(m)
  for _, address in ipairs(m.recipients) do
    local mailbox <const> = address:lower():match("^[^@]*")
    if mailbox ~= "postmaster" and mailbox ~= "abuse" then
      return false
    end
  end
  return #m.recipients > 0
end

function policy.locked(m)
  if asks_us(m) then
    return moon.accept { override = m.dmarc.result == "fail" and "local_policy" or nil }
  end
  if m.from.domain == "provider.example" and m.dmarc.result ~= "pass" then
    return moon.reject {
      esc = "5.7.1",
      text = "provider.example signs all of its mail",
      reason = "forged in the provider's name",
    }
  end
end

local zone <const> = [[
  _dmarc.provider.example. TXT "v=DMARC1; p=reject"
]]

function policy.tests()
  return {
    {
      name = "the provider's support writes to a customer",
      zone = zone, rcpt = "x@customer-c.example", message = { from = "support@provider.example", sign = {} },
      expect = { verdict = "accept", dkim = "pass" },
    },
    {
      name = "somebody else does, in its name: no customer can let that in",
      zone = zone, rcpt = "x@customer-c.example", message = { from = "support@provider.example" },
      expect = { verdict = "reject", layer = "locked", text = "signs all of its mail" },
    },
    {
      name = "to postmaster and abuse, who may be asked about just that",
      zone = zone, rcpt = { "Postmaster@customer-a.example", "abuse@shop.customer-a.example" },
      message = { from = "support@provider.example" },
      expect = { verdict = "accept", layer = "locked", override = "local_policy" },
    },
    {
      name = "to postmaster and somebody else",
      zone = zone, rcpt = { "postmaster@customer-a.example", "x@customer-a.example" },
      message = { from = "support@provider.example" },
      expect = { verdict = "reject", layer = "locked" },
    },
    {
      name = "postmaster of a customer whose own policy would refuse it",
      zone = '_dmarc.bank.example. TXT "v=DMARC1; p=reject"',
      rcpt = "postmaster@customer-c.example", message = { from = "a@bank.example" },
      expect = { verdict = "accept", layer = "locked" },
    },
    {
      name = "a message to two customers is judged by each",
      zone = '_dmarc.bank.example. TXT "v=DMARC1; p=reject"',
      rcpt = { "x@customer-a.example", "x@customer-b.example" }, message = { from = "a@bank.example" },
      expect = { action = "accept" }, -- one refuses, one quarantines: the first one's goes to its quarantine
    },
    {
      name = "postmaster of a domain that is no customer's any more",
      zone = '_dmarc.bank.example. TXT "v=DMARC1; p=reject"',
      rcpt = "postmaster@gone.example", message = { from = "a@bank.example" },
      expect = { verdict = "accept", layer = "locked", override = "local_policy" },
    },
  }
end

return policy
