-- string.format with an object whose __tostring never ends => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  ("%s"):format(setmetatable({}, { __tostring = function() while true do end end }))
end }
