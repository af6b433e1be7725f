-- Errors at the edge of memory => memory limit of 8388608 bytes reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = {}
  while true do
    pcall(function() t[#t + 1] = ("x"):rep(100000 + #t) end)
  end
end }
