-- An endless loop in __tostring, inside pcall => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local meta = { __tostring = function() while true do end end }
  local t = setmetatable({}, meta)
  pcall(function() tostring(t) end)
  return true
end }
