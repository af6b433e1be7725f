-- A table with a verdict behind it as __index => returned a table
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  return setmetatable({}, { __index = function() return moon.accept {} end })
end }
