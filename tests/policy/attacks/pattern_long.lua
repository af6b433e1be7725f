-- A pattern of a megabyte => a pattern may have 1000 bytes at most
-- SPDX-License-Identifier: MIT
return { message = function()
  return ("a"):find(("a"):rep(1000000) .. "-")
end }
