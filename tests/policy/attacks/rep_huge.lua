-- string.rep of a gigabyte => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local _ = ("x"):rep(1 << 29)
end }
