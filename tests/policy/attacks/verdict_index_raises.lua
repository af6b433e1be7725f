-- The same with an error for the last field, behind an acceptance => not today
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  local fields = {}
  local verdict = moon.accept(fields)
  setmetatable(fields, { __index = function(_, k) if k == "headers" then error "not today" end end })
  return verdict
end }
