-- __metatable, to lock others out => __metatable is not available
-- SPDX-License-Identifier: MIT
return { message = function()
  setmetatable({}, { __metatable = false })
end }
