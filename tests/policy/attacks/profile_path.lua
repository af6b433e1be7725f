-- A profile by a path => there is no such profile
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function()
  moon.profile "../../../etc/passwd"
end }
