-- SPDX-License-Identifier: MIT
--
-- The built-in policy "monitor": never acts. Results are written into the message and the log.

local moon <const> = require "moonscan"

local policy = {}

function policy.message(m)
  if m.dmarc.result == "fail" and m.dmarc.policy ~= "none" then
    return moon.accept {
      override = "local_policy",
      comment = "monitoring only",
      reason = "DMARC policy of " .. m.from.domain .. " asks for " .. m.dmarc.policy,
    }
  end
  return moon.accept {}
end

return policy
