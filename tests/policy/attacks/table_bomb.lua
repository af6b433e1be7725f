-- A table of tables without end => limit of
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = {}
  for i = 1, math.huge do t[i] = {} end
end }
