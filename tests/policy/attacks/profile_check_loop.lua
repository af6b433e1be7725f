-- profile:check for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  local google = moon.profile "google"
  while true do google:check(m) end
end }
