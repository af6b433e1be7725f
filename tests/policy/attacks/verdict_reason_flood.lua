-- A reason of megabytes => verdict accept
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  return moon.accept { reason = ("x"):rep(2000000), comment = ("\xe2\x82\xac"):rep(100000), override = "other" }
end }
