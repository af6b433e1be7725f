-- %q of a text that grows fourfold by it => memory limit of 8388608 bytes reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local _ = ("%q"):format(("\0"):rep(2500000) .. "1")
end }
