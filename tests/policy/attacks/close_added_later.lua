-- __close written into the metatable after it was set => non-closable value
-- SPDX-License-Identifier: MIT
return { message = function()
  local meta = {}
  local t = setmetatable({}, meta)
  meta.__close = function() while true do end end
  local x <close> = t
end }
