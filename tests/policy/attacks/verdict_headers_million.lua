-- A million header fields => more than 32 headers
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  local t = {}
  for i = 1, 100000 do t[i] = "X-A: b" end
  return moon.accept { headers = t }
end }
