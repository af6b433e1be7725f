-- An endless loop below a hundred calls of pcall => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local function deep(n)
    if n == 0 then while true do end end
    pcall(deep, n - 1)
    while true do end
  end
  deep(100)
end }
