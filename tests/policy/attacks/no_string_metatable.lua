-- The metatable of texts => attempt to index a nil value
-- SPDX-License-Identifier: MIT
return { message = function()
  getmetatable("").__index = function() end
end }
