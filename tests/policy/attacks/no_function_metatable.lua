-- A metatable for all functions => table expected
-- SPDX-License-Identifier: MIT
return { message = function()
  setmetatable(string.rep, {})
end }
