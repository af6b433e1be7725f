-- An endless loop in __newindex, inside pcall => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local meta = { __newindex = function() while true do end end }
  local t = setmetatable({}, meta)
  pcall(function() t.x = 1 end)
  return true
end }
