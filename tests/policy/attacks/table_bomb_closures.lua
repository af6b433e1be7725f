-- Functions without end => limit of
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = {}
  while true do
    local x = {}
    t[#t + 1] = function() return x, t end
  end
end }
