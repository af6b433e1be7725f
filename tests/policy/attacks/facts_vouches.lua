-- m.arc:vouches for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  while true do m.arc:vouches("example.org", "spf") end
end }
