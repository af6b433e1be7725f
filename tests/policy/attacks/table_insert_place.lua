-- Inserting at places beyond all bounds => place out of bounds
-- SPDX-License-Identifier: MIT
return { message = function()
  assert(not pcall(table.insert, {}, math.mininteger, 1) and not pcall(table.insert, {}, math.maxinteger, 1))
  table.insert({}, 3, 1)
end }
