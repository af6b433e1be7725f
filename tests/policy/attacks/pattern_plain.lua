-- Plain search for what nearly fits at each place => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local s, w = ("a"):rep(1000000), ("a"):rep(500000) .. "b"
  while true do s:find(w, 1, true) end
end }
