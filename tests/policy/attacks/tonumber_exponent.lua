-- Exponents beyond everything => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  while true do
    assert(tonumber("1e" .. ("9"):rep(1000)) == math.huge)
    assert(tonumber("1e-" .. ("9"):rep(1000)) == 0)
  end
end }
