-- Integer division by zero => attempt to divide by zero
-- SPDX-License-Identifier: MIT
return { message = function(m)
  return math.mininteger // 0
end }
