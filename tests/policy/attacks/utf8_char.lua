-- Code points that are none => value out of range
-- SPDX-License-Identifier: MIT
return { message = function()
  return utf8.char(1 << 31)
end }
