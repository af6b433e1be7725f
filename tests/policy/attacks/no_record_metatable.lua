-- The metatable of m => attempt to index a nil value
-- SPDX-License-Identifier: MIT
return { message = function(m)
  getmetatable(m).__index = function() return "pass" end
end }
