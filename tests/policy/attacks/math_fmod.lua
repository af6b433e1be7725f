-- fmod of numbers as far apart as can be, for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  while true do local _ = math.fmod(1e308, 5e-324), 1e308 % 5e-324 end
end }
