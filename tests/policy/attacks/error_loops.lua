-- An error object whose __tostring never ends => error of type table, not a text
-- SPDX-License-Identifier: MIT
return { message = function()
  error(setmetatable({}, { __tostring = function() while true do end end }))
end }
