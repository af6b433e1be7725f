-- A field of an entry that other tenants use => the list entry is read-only
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function()
  moon.list "friends"[2].dkim = "evil.example"
end }
