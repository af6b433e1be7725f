-- Back references to long captures => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  ("a"):rep(60000):find("(.*)%1%1%1b")
end }
