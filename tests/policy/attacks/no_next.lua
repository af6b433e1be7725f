-- The way out by next => 'next' is not available
-- SPDX-License-Identifier: MIT
return { message = function()
  next({})
end }
