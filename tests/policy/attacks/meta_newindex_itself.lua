-- A table that is its own __newindex => '__newindex' chain too long
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = {}
  setmetatable(t, { __newindex = t })
  t.x = 1
end }
