-- string.byte that gives a million values => string slice too long
-- SPDX-License-Identifier: MIT
return { message = function()
  return ("x"):rep(1000000):byte(1, -1)
end }
