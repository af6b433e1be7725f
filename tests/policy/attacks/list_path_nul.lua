-- A list by a path behind a NUL byte => a list is named by lower-case letters
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function()
  moon.list "friends\0/../../x"
end }
