-- The functions of texts replaced => tampered
-- SPDX-License-Identifier: MIT
return { message = function()
  string.rep = function() return "evil" end
  string.format, string.find = nil, nil
  error("tampered", 0)
end }
