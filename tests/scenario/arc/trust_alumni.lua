-- SPDX-License-Identifier: MIT
-- Accepts what alumni.example vouches for, refuses every other DMARC fail.
local moon <const> = require "moonscan"

local policy = {}

function policy.message(m)
  if m.dmarc.result ~= "fail" then return nil end
  if m.arc:vouches("alumni.example", "dmarc") then
    local set = m.arc.sets[#m.arc.sets]
    local last = set.results[#set.results]
    return moon.accept { override = "trusted_forwarder",
      comment = "arc=" .. m.arc.result .. ", " .. last.method .. "=" .. last.result .. " at " .. set.authserv_id }
  end
  return moon.reject { esc = "5.7.1", text = "DMARC policy of " .. m.from.domain }
end

return policy
