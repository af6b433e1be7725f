-- A header field's name with a line end => is not like "X-Name: value"
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  return moon.accept { headers = { "X-A\r\nBcc: evil@example" } }
end }
