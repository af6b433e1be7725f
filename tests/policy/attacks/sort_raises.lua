-- A comparison that raises, inside pcall, for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  while true do pcall(table.sort, { 3, 2, 1 }, error) end
end }
