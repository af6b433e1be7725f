-- A verdict's fields that get an endless __index after they were checked => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  local fields = {}
  local verdict = moon.accept(fields)
  setmetatable(fields, { __index = function() while true do end end })
  return verdict
end }
