-- Inserting in front of a long list, for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = {}
  for i = 1, 20000 do t[i] = 0 end
  while true do table.insert(t, 1, 0) end
end }
