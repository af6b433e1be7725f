-- An item of a list that other tenants use => the list is read-only
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function()
  moon.list "friends"[1] = "evil.example"
end }
