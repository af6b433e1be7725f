-- An endless loop in sort's comparison => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  table.sort({ 3, 2, 1 }, function() while true do end end)
end }
