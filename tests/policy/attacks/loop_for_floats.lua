-- A for loop by steps too small to get anywhere => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  for i = 1, math.huge, 1e-300 do end
end }
