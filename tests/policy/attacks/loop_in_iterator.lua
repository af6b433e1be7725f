-- A generic for whose iterator never ends => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  for _ in function() return 1 end do end
end }
