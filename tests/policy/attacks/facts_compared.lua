-- Records compared with everything => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  while true do
    assert(m ~= moon.accept {} and m ~= m.dmarc and m.dmarc == m.dmarc and m ~= 1)
    pcall(function() return m < m end)
    pcall(function() return m .. m end)
  end
end }
