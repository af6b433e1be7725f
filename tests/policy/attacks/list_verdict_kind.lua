-- list:verdict of a list that says none => say no verdict
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  return moon.list "friends":verdict(m)
end }
