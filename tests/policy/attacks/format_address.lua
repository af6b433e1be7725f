-- %p, an address => %p is not available
-- SPDX-License-Identifier: MIT
return { message = function(m)
  return ("%p"):format(m)
end }
