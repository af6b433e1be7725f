-- An entry of a list in a verdict's place => returned a userdata
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  return moon.list "friends"[2]
end }
