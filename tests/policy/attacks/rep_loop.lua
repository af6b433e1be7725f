-- string.rep for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  while true do local _ = ("x"):rep(100000) end
end }
