-- __tostring that gives no text => '__tostring' must return a string
-- SPDX-License-Identifier: MIT
return { message = function()
  tostring(setmetatable({}, { __tostring = function() return {} end }))
end }
