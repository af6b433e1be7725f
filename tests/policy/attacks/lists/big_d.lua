-- SPDX-License-Identifier: MIT
local t, note = {}, ("x"):rep(1000)
for i = 1, 9999 do t[i] = { name = "n", dkim = "a.example", note = note } end
return t
