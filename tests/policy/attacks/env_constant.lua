-- A constant in the globals' place: old compilers of Lua make code of it that reads beyond the stack => attempt to index
-- SPDX-License-Identifier: MIT
return { message = function()
  do
    local _ENV <const> = 11
    X = "hi"
  end
end }
