-- A list whose length is the last integer, and one more => the list is too long
-- SPDX-License-Identifier: MIT
return { message = function(m)
  local t = {}
  for i = 0, 62 do t[1 << i] = 1 end
  t[math.maxinteger] = 1
  while #t ~= math.maxinteger do t[#t + 1] = 1 end
  table.insert(t, 1)
end }
