-- An error text of megabytes, which is cut => error_huge.lua:4: xxxx
-- SPDX-License-Identifier: MIT
return { message = function()
  error(("x"):rep(3000000), 0)
end }
