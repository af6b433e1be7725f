-- A metatable for the table of text functions => tampered
-- SPDX-License-Identifier: MIT
return { message = function()
  setmetatable(string, { __index = function() return error end })
  setmetatable(table, { __newindex = error })
  error("tampered", 0)
end }
