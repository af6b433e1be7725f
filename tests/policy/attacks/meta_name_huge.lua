-- A __name of megabytes in the library's error messages => memory limit of 8388608 bytes reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = setmetatable({}, { __name = ("x"):rep(3000000) })
  for i = 1, 10 do pcall(string.rep, t) end
  local s = {}
  while true do s[#s + 1] = select(2, pcall(string.rep, t)) end
end }
