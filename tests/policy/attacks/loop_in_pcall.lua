-- An endless loop inside pcall, again and again => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  while true do
    pcall(function() while true do end end)
  end
end }
