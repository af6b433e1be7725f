-- A text of megabytes that grows by one byte each time => time limit of 50 ms reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local s = ("x"):rep(1000000)
  while true do s = s .. "x" end
end }
