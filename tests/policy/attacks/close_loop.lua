-- An endless loop in __close => __close is not available
-- SPDX-License-Identifier: MIT
return { message = function()
  local x <close> = setmetatable({}, { __close = function() while true do end end })
end }
