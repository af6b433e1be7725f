-- A million arguments => limit of
-- SPDX-License-Identifier: MIT
return { message = function()
  local function double(n, ...)
    if n == 0 then return select("#", ...) end
    local t = table.pack(...)
    for i = 1, t.n do t[t.n + i] = t[i] end
    return double(n - 1, table.unpack(t, 1, math.min(2 * t.n, 9999)))
  end
  while true do double(20, 1) end
end }
