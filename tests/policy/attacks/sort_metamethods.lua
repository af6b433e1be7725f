-- Sorting objects whose __lt sorts => C stack overflow
-- SPDX-License-Identifier: MIT
return { message = function()
  local meta, t = {}, {}
  meta.__lt = function() table.sort(t) end
  for i = 1, 3 do t[i] = setmetatable({}, meta) end
  table.sort(t)
end }
