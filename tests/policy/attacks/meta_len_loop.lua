-- An endless loop in __len, inside pcall => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local meta = { __len = function() while true do end end }
  local t = setmetatable({}, meta)
  pcall(function() local _ = #t end)
  return true
end }
