-- Empty matches at each place of a large text, for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  while true do ("x"):rep(100000):gsub("", "") end
end }
