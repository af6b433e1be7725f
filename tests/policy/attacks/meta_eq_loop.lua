-- An endless loop in __eq, inside pcall => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local meta = { __eq = function() while true do end end }
  local t = setmetatable({}, meta)
  pcall(function() local _ = t == setmetatable({}, meta) end)
  return true
end }
