-- A walk over all that can be reached: nothing of the forbidden is there => nothing forbidden can be reached
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  local forbidden = { "os", "io", "load", "debug", "dump", "execute", "open", "getregistry", "coroutine", "rawset", "loadlib" }
  local seen = {}
  local function walk(t)
    if type(t) ~= "table" or seen[t] then return end
    seen[t] = true
    for k, v in pairs(t) do
      for _, name in ipairs(forbidden) do assert(k ~= name, "hole") end
      walk(v)
      walk(getmetatable(v))
    end
  end
  walk(_ENV)
  walk(moon)
  walk(getmetatable(_ENV))
  error("nothing forbidden can be reached", 0)
end }
