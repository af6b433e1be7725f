-- Globals of one's own => attempt to call a nil value (global 'open')
-- SPDX-License-Identifier: MIT
return { message = function()
  local _ENV = {}
  open("/etc/passwd")
end }
