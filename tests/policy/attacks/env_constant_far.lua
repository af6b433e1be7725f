-- The same with a register far beyond the stack => attempt to index
-- SPDX-License-Identifier: MIT
return { message = function()
  local function f()
    local _ENV <const> = 250
    X = Y
  end
  f()
end }
