-- An override by an entry that does not hold => verdict accept
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  return moon.accept { override = "trusted_forwarder", via = moon.list "friends"[2] }
end }
