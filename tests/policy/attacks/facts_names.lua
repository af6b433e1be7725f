-- Header fields of a million names: each would be noted => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  local i = 0
  while true do
    i = i + 1
    m.header("name-" .. i)
  end
end }
