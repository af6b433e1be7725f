-- table.concat over a range without end => element 1 is a nil
-- SPDX-License-Identifier: MIT
return { message = function()
  table.concat({}, "", 1, math.maxinteger)
end }
