-- Endless tail calls, which need no stack => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local function f() return f() end
  f()
end }
