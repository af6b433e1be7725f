-- table.move, which is not there => field 'move'
-- SPDX-License-Identifier: MIT
return { message = function()
  table.move({}, 1, math.maxinteger, 2)
end }
