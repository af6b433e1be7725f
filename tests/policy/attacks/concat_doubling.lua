-- A text that is doubled for ever => memory limit of 8388608 bytes reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local s = "x"
  while true do s = s .. s end
end }
