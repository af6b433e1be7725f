-- A function that calls itself => limit of
-- SPDX-License-Identifier: MIT
return { message = function()
  local function f() return 1 + f() end
  f()
end }
