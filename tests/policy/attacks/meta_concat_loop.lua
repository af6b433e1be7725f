-- An endless loop in __concat, inside pcall => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local meta = { __concat = function() while true do end end }
  local t = setmetatable({}, meta)
  pcall(function() local _ = t .. t end)
  return true
end }
