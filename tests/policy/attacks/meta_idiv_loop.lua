-- An endless loop in __idiv, inside pcall => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local meta = { __idiv = function() while true do end end }
  local t = setmetatable({}, meta)
  pcall(function() local _ = t // 1 end)
  return true
end }
