-- pairs over a table that changes on the way => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  while true do
    local t = { a = 1, b = 2, c = 3 }
    for k in pairs(t) do
      t[k] = nil
      for i = 1, 50 do t[k .. i] = i end
    end
  end
end }
