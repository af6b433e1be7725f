-- The same inside pcall, for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  while true do pcall(moon.list, "endless") end
end }
