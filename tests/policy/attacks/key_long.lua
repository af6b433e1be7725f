-- Long texts as keys: each is hashed => time limit of 50 ms reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local t, s = {}, ("x"):rep(60000)
  local i = 0
  while true do
    i = i + 1
    t[s .. i] = nil
  end
end }
