-- gsub whose function calls gsub => C stack overflow
-- SPDX-License-Identifier: MIT
return { message = function()
  local function f() return (("a"):gsub("a", f)) end
  return f()
end }
