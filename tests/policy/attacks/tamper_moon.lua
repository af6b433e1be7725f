-- The module's functions replaced => tampered
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  moon.accept, moon.list, moon.leaked = moon.reject, error, true
  error("tampered", 0)
end }
