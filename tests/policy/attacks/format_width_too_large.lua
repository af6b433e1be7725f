-- A width of four digits => invalid conversion
-- SPDX-License-Identifier: MIT
return { message = function()
  return ("%1000d"):format(1)
end }
