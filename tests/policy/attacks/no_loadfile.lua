-- The way out by loadfile => 'loadfile' is not available
-- SPDX-License-Identifier: MIT
return { message = function()
  loadfile("/etc/passwd")
end }
