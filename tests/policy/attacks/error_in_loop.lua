-- Errors for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  while true do pcall(error, "x") end
end }
