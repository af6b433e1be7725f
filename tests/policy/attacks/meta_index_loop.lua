-- An endless loop in __index, inside pcall => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local meta = { __index = function() while true do end end }
  local t = setmetatable({}, meta)
  pcall(function() local _ = t.x end)
  return true
end }
