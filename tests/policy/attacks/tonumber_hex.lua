-- A hexadecimal number of a million digits, in base 16 and as a float => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local s = ("f"):rep(1000000)
  while true do
    tonumber(s, 16)
    tonumber("0x." .. s:sub(1, 100000) .. "p-400000")
  end
end }
