-- __index that calls itself for the next key => C stack overflow
-- SPDX-License-Identifier: MIT
return { message = function()
  local t
  t = setmetatable({}, { __index = function(_, k) return t[k + 1] end })
  return t[1]
end }
