-- Thousands of lists that are not there, inside pcall => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  local i = 0
  while true do
    i = i + 1
    pcall(moon.list, "none" .. i)
  end
end }
