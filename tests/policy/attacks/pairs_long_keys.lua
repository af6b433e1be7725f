-- pairs over keys that differ in their last byte => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local z, t = ("\0"):rep(150000), {}
  for i = 1, 4 do t[z .. i] = i end
  while true do pairs(t) end
end }
