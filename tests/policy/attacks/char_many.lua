-- string.char of thousands of values, for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = {}
  for i = 1, 9999 do t[i] = 65 end
  while true do string.char(table.unpack(t)) end
end }
