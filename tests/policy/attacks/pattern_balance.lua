-- %b that never finds its end, from each place => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  ("("):rep(30000):find("%b()")
end }
