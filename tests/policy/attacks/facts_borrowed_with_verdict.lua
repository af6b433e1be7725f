-- A method of a record called with a verdict => with a colon
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  m.dkim.passed(moon.accept {}, "example.org")
end }
