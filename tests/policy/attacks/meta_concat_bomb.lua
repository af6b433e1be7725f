-- __concat that grows what it gets => memory limit of 8388608 bytes reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local meta = {}
  meta.__concat = function(a, b) return { a, b, ("x"):rep(100000) } end
  local t = setmetatable({}, meta)
  local all = {}
  while true do all[#all + 1] = t .. "x" end
end }
