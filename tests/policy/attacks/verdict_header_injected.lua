-- Line ends in a header field, and one of kilobytes => verdict accept
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  return moon.accept { headers = { "X-A: b\r\nTo: evil@example\r\n\r\nbody", "X-B: " .. ("x"):rep(1000000) } }
end }
