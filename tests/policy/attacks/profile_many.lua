-- Thousands of profiles that are not there, with a list in use => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  local friends, i = moon.list "friends", 0
  while true do
    i = i + 1
    pcall(moon.profile, "none" .. i)
    friends:match(m)
  end
end }
