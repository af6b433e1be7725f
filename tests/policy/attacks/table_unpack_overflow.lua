-- As many values as there are integers => too many values
-- SPDX-License-Identifier: MIT
return { message = function()
  return table.unpack({}, math.mininteger, math.maxinteger)
end }
