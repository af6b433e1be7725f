-- select at the edges of the integers => index out of range
-- SPDX-License-Identifier: MIT
return { message = function(m)
  assert(select("#", select(math.maxinteger, 1, 2)) == 0)
  select(math.mininteger, 1, 2)
end }
