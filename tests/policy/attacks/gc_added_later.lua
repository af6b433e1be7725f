-- __gc written into the metatable after it was set: no finalizer may run => no finalizer ran
-- SPDX-License-Identifier: MIT
return { message = function()
  local ran
  local meta = {}
  for i = 1, 1000 do setmetatable({}, meta) end
  meta.__gc = function() ran = true end
  for i = 1, 1000 do setmetatable({}, getmetatable(setmetatable({}, {}))) end
  for i = 1, 20000 do local _ = {} end
  error(ran and "a finalizer ran" or "no finalizer ran", 0)
end }
