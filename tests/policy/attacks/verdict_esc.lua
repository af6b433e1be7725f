-- A status code of another class => esc must start with 2
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  return moon.accept { esc = "5.7.1" }
end }
