-- string.pack, which reads memory by formats => field 'pack'
-- SPDX-License-Identifier: MIT
return { message = function()
  return string.pack("i16", 1)
end }
