-- list:has with a text of megabytes, for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  local friends, word = moon.list "friends", ("x"):rep(3000000)
  while true do friends:has(word) end
end }
