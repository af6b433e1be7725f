-- Weak tables, which would show when garbage is collected => __mode is not available
-- SPDX-License-Identifier: MIT
return { message = function()
  setmetatable({}, { __mode = "k" })
end }
