-- A table that is its own __call: Lua would push arguments for half a minute => __call must be a function
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = {}
  setmetatable(t, { __call = t })
  t()
end }
