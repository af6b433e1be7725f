-- string.upper of a large text, for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local s = ("x"):rep(500000)
  while true do s:upper() end
end }
