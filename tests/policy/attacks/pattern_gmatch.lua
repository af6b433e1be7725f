-- The same in gmatch => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  for _ in ("a"):rep(30000):gmatch(".-.-.-.-b") do end
end }
