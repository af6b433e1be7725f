-- An endless repeat loop => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  repeat until false
end }
