-- The way out by warn => there is no variable 'warn'
-- SPDX-License-Identifier: MIT
return { message = function()
  warn("@on")
end }
