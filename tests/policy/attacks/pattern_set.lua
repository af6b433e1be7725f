-- A set of a thousand bytes for each byte => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  ("a"):rep(100000):find("[" .. ("b"):rep(900) .. "]")
end }
