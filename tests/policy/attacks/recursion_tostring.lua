-- tostring of an object whose __tostring is tostring => C stack overflow
-- SPDX-License-Identifier: MIT
return { message = function()
  tostring(setmetatable({}, { __tostring = tostring }))
end }
