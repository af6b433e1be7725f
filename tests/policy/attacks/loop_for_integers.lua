-- A for loop over all integers: it must not wrap around, and not end => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  for i = math.mininteger, math.maxinteger do end
end }
