-- The same in pcall, for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = {}
  setmetatable(t, { __index = t })
  while true do pcall(function() return t.x end) end
end }
