-- Facts that do not exist, with long names, inside pcall => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  local name = ("x"):rep(50000)
  while true do pcall(function() return m[name] end) end
end }
