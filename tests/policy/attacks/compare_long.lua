-- Comparing long texts of NUL bytes, for ever => time limit of 50 ms reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local z = ("\0"):rep(1500000)
  local a, b = z .. "a", z .. "b"
  while a < b do end
end }
