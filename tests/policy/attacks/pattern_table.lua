-- gsub with a table whose __index never ends => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  ("a"):gsub("a", setmetatable({}, { __index = function() while true do end end }))
end }
