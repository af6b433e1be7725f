-- Sorting a list whose length is the last integer => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  local t = {}
  for i = 0, 62 do t[1 << i] = 1 end
  t[math.maxinteger] = 1
  while #t ~= math.maxinteger do t[#t + 1] = 1 end
  table.sort(t, function() return false end)
end }
