-- A for loop by steps of zero => 'for' step is zero
-- SPDX-License-Identifier: MIT
return { message = function()
  for i = 1, 2, 0 do end
end }
