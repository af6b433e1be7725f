-- gsub that makes a thousand bytes of one => memory limit of 8388608 bytes reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local s = ("x"):rep(1000000)
  return (s:gsub("x", ("y"):rep(1000)))
end }
