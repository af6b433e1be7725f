-- An endless loop in __call, inside pcall => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local meta = { __call = function() while true do end end }
  local t = setmetatable({}, meta)
  pcall(function() t() end)
  return true
end }
