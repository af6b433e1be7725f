-- A comparison that empties the list it sorts => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  while true do
    local t = {}
    for i = 1, 100 do t[i] = i end
    table.sort(t, function() for i = 1, 100 do t[i] = nil end return false end)
  end
end }
