-- An endless loop in __gc => __gc is not available
-- SPDX-License-Identifier: MIT
return { message = function()
  setmetatable({}, { __gc = function() while true do end end })
end }
