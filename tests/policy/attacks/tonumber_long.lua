-- A number of a million digits, for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local s = "0." .. ("1"):rep(1000000)
  while true do tonumber(s) end
end }
