-- Comparing long equal texts, for ever => time limit of 50 ms reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local a, b = ("x"):rep(2000000), ("x"):rep(1000000):rep(2)
  while a == b do end
end }
