-- Library functions replaced before a profile uses them: only this policy is misled => the others are not
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  for name in pairs(string) do string[name] = function() return "evil" end end
  pairs, ipairs, setmetatable, tostring = error, error, error, error
  pcall(moon.profile, "google")
  error("the others are not", 0)
end }
