-- A comparison that always says yes => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = {}
  for i = 1, 20000 do t[i] = i end
  while true do table.sort(t, function() return true end) end
end }
