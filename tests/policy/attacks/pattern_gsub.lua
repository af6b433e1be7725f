-- The same in gsub => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  ("a"):rep(30000):gsub(".-.-.-b", "")
end }
