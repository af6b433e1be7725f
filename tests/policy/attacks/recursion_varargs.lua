-- One more argument with each call => time limit of 50 ms reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local function f(...) return f(1, ...) end
  f()
end }
