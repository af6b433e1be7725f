-- An endless loop => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  while true do end
end }
