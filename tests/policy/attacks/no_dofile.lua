-- The way out by dofile => 'dofile' is not available
-- SPDX-License-Identifier: MIT
return { message = function()
  dofile("/etc/passwd")
end }
