-- A profile overwritten => the profile is read-only
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function()
  moon.profile("google").check = function() return true end
end }
