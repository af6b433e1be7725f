-- SPDX-License-Identifier: MIT
--
-- Example tenant: refuse what is forged beyond doubt. A domain that publishes "v=spf1 -all", a null MX
-- and p=reject sends no mail and gets none: nobody's forwarder or mailing list can have broken the
-- authentication of a message from it, since there was none to break. Whatever else fails is left to
-- the layers below, and so is a domain of which DNS did not say so.

local moon <const> = require "moonscan"

local policy = {}

function policy.message(m)
  if m.dmarc.parked then
    return moon.reject { esc = "5.7.1", text = m.from.domain .. " sends no mail (null SPF, null MX, p=reject)" }
  end
end

local zone <const> = [[
  _dmarc.parked.example. TXT "v=DMARC1; p=reject"
  parked.example.        TXT "v=spf1 -all"
  parked.example.        MX  0 .
  _dmarc.bank.example.   TXT "v=DMARC1; p=reject"
  bank.example.          TXT "v=spf1 -all"
  bank.example.          MX  10 mx.bank.example.
]]

function policy.tests()
  return {
    { name = "a domain without mail", zone = zone, message = { from = "a@parked.example" },
      expect = { verdict = "reject", esc = "5.7.1", text = "parked.example sends no mail" } },
    { name = "one that gets mail", zone = zone, message = { from = "a@bank.example" },
      expect = { verdict = "quarantine", layer = "built-in" } },
    { name = "one without records", message = { from = "a@small.example" },
      expect = { verdict = "accept", layer = "built-in" } },
  }
end

return policy
