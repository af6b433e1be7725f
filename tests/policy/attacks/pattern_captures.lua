-- 32 captures, each of which could be anywhere => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  ("a"):rep(1000):find(("(a*)"):rep(32) .. "b")
end }
