-- error with a level beyond the stack => far
-- SPDX-License-Identifier: MIT
return { message = function()
  error("far", 1000000)
end }
