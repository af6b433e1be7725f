-- Texts in arithmetic => attempt to perform arithmetic on a string value
-- SPDX-License-Identifier: MIT
return { message = function()
  return ("9"):rep(1000000) + 1
end }
