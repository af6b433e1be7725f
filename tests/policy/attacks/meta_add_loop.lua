-- An endless loop in __add, inside pcall => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local meta = { __add = function() while true do end end }
  local t = setmetatable({}, meta)
  pcall(function() local _ = t + t end)
  return true
end }
