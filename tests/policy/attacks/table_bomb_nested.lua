-- Tables inside tables => memory limit of 8388608 bytes reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local t = {}
  while true do
    t = { t, t, {}, {}, {}, {}, {}, {} }
  end
end }
