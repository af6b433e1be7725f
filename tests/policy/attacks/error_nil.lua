-- An error without anything => error of type nil
-- SPDX-License-Identifier: MIT
return { message = function()
  error()
end }
