-- Nested quantifiers in string.find => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  ("a"):rep(20000):find("(.-)*(.-)*(.-)*(.-)*(.-)*b")
end }
