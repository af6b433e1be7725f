-- list:match of another list's kind of object => with a colon
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  moon.list "friends".match(m.dkim, m)
end }
