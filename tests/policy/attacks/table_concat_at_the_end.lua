-- table.concat at the last integer there is => 9223372036854775807 is a nil
-- SPDX-License-Identifier: MIT
return { message = function()
  table.concat({}, "", math.maxinteger, math.maxinteger)
end }
