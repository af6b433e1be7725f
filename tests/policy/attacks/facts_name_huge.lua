-- A header field name of megabytes => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  local name = ("x"):rep(3000000)
  while true do m.header(name) end
end }
