-- A status code of megabytes => is no enhanced status code
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  return moon.reject { esc = "5.7." .. ("1"):rep(1000000) }
end }
