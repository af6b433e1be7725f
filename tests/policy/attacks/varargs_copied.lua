-- Thousands of arguments copied for ever => time limit of 50 ms reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local function f(...) local _ = { ... } return select("#", ...) end
  local t = {}
  for i = 1, 9999 do t[i] = i end
  local function g(...) while true do f(..., ...) f(...) end end
  g(table.unpack(t))
end }
