-- Settings that are not there, for ever: each error names the nearest => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  while true do pcall(function() return m.tenant.settings.nothing end) end
end }
