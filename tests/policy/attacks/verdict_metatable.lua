-- Fields that hide behind a metatable => wants a plain table
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  return moon.accept(setmetatable({}, { __index = { esc = "9.9.9" } }))
end }
