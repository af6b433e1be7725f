-- The way out by io => 'io' is not available
-- SPDX-License-Identifier: MIT
return { message = function()
  io.open("/etc/passwd")
end }
