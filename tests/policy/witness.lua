-- SPDX-License-Identifier: MIT
-- An ordinary policy of another tenant, asked after each attack: it finds everything as it should be.
local moon <const> = require "moonscan"
local friends <const> = moon.list "friends"

local policy = {}

function policy.message(m)
  assert(#friends == 2 and friends[1] == "alumni.example" and friends[2].name == "Old server")
  assert(friends:has "alumni.example" and not friends:has "evil.example")
  assert(("x"):rep(3) == "xxx" and string.format("%d", 7) == "7" and table.concat({ 1, 2 }) == "12")
  assert(tostring(m) == "m" and type(m.dkim) == "userdata" and getmetatable("") == nil)
  assert(not pcall(function() return leaked end) and not pcall(function() return moon.leaked end))
  assert(not pcall(function() m.leaked = 1 end) and pcall(string.find, "a", "a"))
  local names = {}
  for name in pairs({ b = 1, a = 2 }) do names[#names + 1] = name end
  assert(table.concat(names) == "ab")
  return moon.accept { headers = { "X-Witness: served" } }
end

return policy
