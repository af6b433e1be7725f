-- A function that calls itself by pcall => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local function f()
    pcall(f)
    f()
  end
  f()
end }
