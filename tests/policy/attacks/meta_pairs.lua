-- __pairs of one's own => __pairs is not available
-- SPDX-License-Identifier: MIT
return { message = function()
  setmetatable({}, { __pairs = function() while true do end end })
end }
