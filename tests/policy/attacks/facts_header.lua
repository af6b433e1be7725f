-- m.header for ever, of a name that is not there => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  while true do m.header("Nothing") end
end }
