-- Texts joined 200 at a time => memory limit of 8388608 bytes reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local s = ("x"):rep(50000)
  local t = s@{180*..s@}
  return t
end }
