-- An endless loop by goto => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  ::again::
  goto again
end }
