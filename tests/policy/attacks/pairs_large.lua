-- pairs over a large table: the keys are sorted => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = {}
  for i = 1, 50000 do t[i] = i end
  while true do for _ in pairs(t) do break end end
end }
