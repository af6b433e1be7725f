-- The same inside pcall, and a verdict behind it => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  pcall(string.match, ("a"):rep(30000), ".-.-.-.-.-b")
  return moon.accept {}
end }
