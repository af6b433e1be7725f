-- The way out by package => 'package' is not available
-- SPDX-License-Identifier: MIT
return { message = function()
  package.loadlib("libc.so.6", "system")
end }
