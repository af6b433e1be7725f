-- The way out by debug => 'debug' is not available
-- SPDX-License-Identifier: MIT
return { message = function()
  debug.getregistry()
end }
