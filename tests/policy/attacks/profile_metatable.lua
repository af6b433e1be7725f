-- A profile's metatable => this metatable is protected
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  setmetatable(moon.profile "google", nil)
end }
