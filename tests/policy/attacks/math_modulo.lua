-- Modulo by zero => attempt to perform 'n%0'
-- SPDX-License-Identifier: MIT
return { message = function()
  return 1 % 0
end }
