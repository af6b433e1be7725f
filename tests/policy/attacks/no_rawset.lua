-- The way out by rawset => 'rawset' is not available
-- SPDX-License-Identifier: MIT
return { message = function()
  rawset(_ENV, "os", 1)
end }
