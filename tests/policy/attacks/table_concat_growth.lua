-- table.concat of its own results => memory limit of 8388608 bytes reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = {}
  for i = 1, 1000 do t[i] = ("x"):rep(1000) end
  while true do t[#t + 1] = table.concat(t) end
end }
