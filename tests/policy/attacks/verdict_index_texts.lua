-- The same with texts that nothing else keeps => verdict accept
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  local fields = {}
  local verdict = moon.accept(fields)
  setmetatable(fields, { __index = function(_, k) return ("x"):rep(100000) .. k end })
  return verdict
end }
