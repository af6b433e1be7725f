-- m.headers of a hundred thousand fields, for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  while true do m.headers("X") end
end }
