-- string.rep beyond the memory, in pcall => memory limit of 8388608 bytes reached
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  pcall(string.rep, "x", 9000000)
  return moon.accept {}
end }
