-- A table that is its own __index => '__index' chain too long
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = {}
  setmetatable(t, { __index = t })
  return t.x
end }
