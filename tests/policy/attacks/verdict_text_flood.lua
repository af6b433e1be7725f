-- A reply of a million lines => verdict reject
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  return moon.reject { text = ("line\n"):rep(500000) }
end }
