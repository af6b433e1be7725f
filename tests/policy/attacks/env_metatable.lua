-- The metatable of the globals => this metatable is protected
-- SPDX-License-Identifier: MIT
return { message = function()
  setmetatable(_ENV, { __index = function() return "os" end })
end }
