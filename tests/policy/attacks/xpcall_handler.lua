-- An endless loop in the handler of xpcall => 'xpcall' is not available
-- SPDX-License-Identifier: MIT
return { message = function()
  xpcall(error, function() while true do end end)
end }
