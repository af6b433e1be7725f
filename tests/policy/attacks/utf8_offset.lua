-- utf8.offset over a large text, for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local s = ("\u{10ffff}"):rep(200000)
  while true do utf8.offset(s, 199999) end
end }
