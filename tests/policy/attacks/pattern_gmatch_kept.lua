-- A thousand iterators of gmatch at once => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local s, all = ("a"):rep(10000), {}
  for i = 1, 1000 do all[i] = s:gmatch(".-b") end
  while true do for i = 1, 1000 do all[i]() end end
end }
