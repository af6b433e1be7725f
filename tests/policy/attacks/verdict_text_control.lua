-- A reply with control bytes and another code => verdict reject
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  return moon.reject { text = "no\r\n250 OK\0\27[2J\xff" }
end }
