-- A chain of 1900 tables for each access => time limit of 50 ms reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = {}
  for i = 1, 1900 do t = setmetatable({}, { __index = t }) end
  while true do local _ = t.x end
end }
