-- A full table in which keys come and go: each change builds it anew => time limit of 50 ms reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = {}
  for i = 1, 65536 do t[i .. ""] = 1 end
  local i = 0
  while true do
    i = i + 1
    t[i .. ""] = nil
    t[(i + 65536) .. ""] = 1
  end
end }
