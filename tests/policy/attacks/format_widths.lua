-- string.format with its widest conversions, for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local f = ("%99.99f"):rep(50)
  local t = {}
  for i = 1, 50 do t[i] = 1e308 end
  while true do f:format(table.unpack(t)) end
end }
