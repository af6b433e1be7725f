-- 33 captures => too many captures
-- SPDX-License-Identifier: MIT
return { message = function()
  ("a"):rep(100):find(("(a)"):rep(33))
end }
