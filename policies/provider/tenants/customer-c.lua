-- SPDX-License-Identifier: MIT
--
-- A customer who writes his own policy. What it leaves open goes to the provider's site.lua, then to
-- the built-in policy; the shared one of policies/ is not asked.

local moon <const> = require "moonscan"

local policy = {}

function policy.message(m)
  if m.dmarc.result == "fail" then
    return moon.reject { esc = "5.7.1", text = "customer-c takes proven mail only" }
  end
end

policy.tests = {
  { name = "fails DMARC", zone = '_dmarc.bank.example. TXT "v=DMARC1; p=none"', message = { from = "a@bank.example" },
    expect = { verdict = "reject", text = "proven mail only" } },
  { name = "has no DMARC", message = { from = "a@small.example" }, expect = { verdict = "accept", layer = "built-in" } },
}

return policy
