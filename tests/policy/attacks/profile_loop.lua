-- moon.profile for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function()
  while true do moon.profile "google" end
end }
