-- __len says a lot: library functions look at the elements themselves => only the elements count
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = setmetatable({ 1, 2 }, { __len = function() return 1 << 40 end })
  assert(table.concat(t) == "12" and select("#", table.unpack(t)) == 2)
  table.sort(t)
  table.insert(t, 3)
  error(rawlen(t) == 3 and "only the elements count" or "hole", 0)
end }
