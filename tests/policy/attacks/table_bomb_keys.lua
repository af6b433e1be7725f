-- A table of texts as keys, without end => limit of
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = {}
  for i = 1, math.huge do t["key" .. i] = true end
end }
