-- An endless loop inside pcall, and a verdict behind it => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  pcall(function() while true do end end)
  return moon.accept {}
end }
