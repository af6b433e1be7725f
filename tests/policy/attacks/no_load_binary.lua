-- The way out by load_binary => 'load' is not available
-- SPDX-License-Identifier: MIT
return { message = function()
  load("\27Lua")
end }
