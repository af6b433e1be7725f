-- A subject tag of megabytes => verdict accept
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  return moon.accept { tag = ("\xe2\x82\xac"):rep(700000) }
end }
