-- The same inside pcall, for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local t
  t = setmetatable({}, { __index = function(_, k) return t[k + 1] end })
  while true do pcall(function() return t[1] end) end
end }
