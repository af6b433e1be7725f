-- A tenant's settings overwritten => m.tenant.settings is read-only
-- SPDX-License-Identifier: MIT
return { message = function(m)
  m.tenant.settings.limit = 1
end }
