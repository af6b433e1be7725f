-- The networks of an entry: they are a copy => only a copy
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  local friends = moon.list "friends"
  friends[2].networks[1] = "0.0.0.0/0"
  assert(friends[2].networks[1] == "192.0.2.0/24")
  error("only a copy", 0)
end }
