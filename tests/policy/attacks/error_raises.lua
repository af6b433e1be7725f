-- An error object whose __tostring raises the next one => error of type table, not a text
-- SPDX-License-Identifier: MIT
return { message = function()
  local meta = {}
  meta.__tostring = function() error(setmetatable({}, meta)) end
  error(setmetatable({}, meta))
end }
