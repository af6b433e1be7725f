-- A comparison that sorts => C stack overflow
-- SPDX-License-Identifier: MIT
return { message = function()
  local function less() table.sort({ 1, 2, 3 }, less) end
  less()
end }
