-- The same by two tables, and written into the metatable later => attempt to call a table value
-- SPDX-License-Identifier: MIT
return { message = function()
  local meta, a, b = {}, {}, {}
  setmetatable(a, meta)
  setmetatable(b, meta)
  meta.__call = a
  a()
end }
