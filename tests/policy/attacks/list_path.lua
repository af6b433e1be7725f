-- A list by a path => a list is named by lower-case letters
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function()
  moon.list "../../secrets"
end }
