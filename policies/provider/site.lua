-- SPDX-License-Identifier: MIT
--
-- The provider's own rules. `locked` is asked before every customer's policy, and its verdict is final:
-- nobody can let in mail that pretends to come from the provider's support. Customers' questions to
-- postmaster and abuse reach whoever answers them.

local moon <const> = require "moonscan"

local policy = {}

function policy.locked(m)
  if m.from.domain == "provider.example" and m.dmarc.result ~= "pass" then
    return moon.reject {
      esc = "5.7.1",
      text = "provider.example signs all of its mail",
      reason = "forged in the provider's name",
    }
  end
end

local function always(m)
  return moon.accept { override = m.dmarc.result == "fail" and "local_policy" or nil }
end
policy.recipients = { postmaster = always, abuse = always }

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
      name = "nor can an address that takes everything",
      zone = zone, rcpt = "postmaster@customer-a.example", message = { from = "support@provider.example" },
      expect = { verdict = "reject", layer = "locked" },
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
      expect = { verdict = "accept", layer = "recipient", override = "local_policy" },
    },
  }
end

return policy
