-- A million values at once => too many values
-- SPDX-License-Identifier: MIT
return { message = function()
  return table.unpack({}, 1, 1000000)
end }
