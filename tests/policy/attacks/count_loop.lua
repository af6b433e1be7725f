-- moon.count for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function()
  while true do moon.count { key = ("x"):rep(1000) } end
end }
