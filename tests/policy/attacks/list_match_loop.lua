-- list:match for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  local friends = moon.list "friends"
  while true do friends:match(m) end
end }
