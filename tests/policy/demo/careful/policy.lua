-- SPDX-License-Identifier: MIT
--
-- A tenant of the demo: rather late than wrong. When the DMARC policy of the author's domain cannot be
-- read now, the message is deferred, and the sender tries again.
-- Mail that pretends to come from ourselves is refused, unless it is authenticated.

local moon <const> = require "moonscan"

local policy = {}

function policy.message(m)
  if m.dmarc.result == "temperror" then
    local whose <const> = m.from.domain or "the author's domain"
    return moon.defer { esc = "4.7.0", text = "DMARC policy of " .. whose .. " cannot be read now" }
  end
  if m.from.ours and m.dmarc.result ~= "pass" and not m.session.authenticated then
    return moon.reject {
      esc = "5.7.1",
      text = "mail from " .. m.from.domain .. " is sent by its own hosts only",
    }
  end
end

return policy
