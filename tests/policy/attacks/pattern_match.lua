-- Lazy items one behind the other in string.match => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  ("a"):rep(3000):match(".-.-.-.-.-.-.-.-b")
end }
