-- string.format of its own results => memory limit of 8388608 bytes reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local s = ("x"):rep(1000)
  while true do s = ("%s%s"):format(s, s) end
end }
