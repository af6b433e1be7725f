-- A fact read a million times => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  while true do local _ = m.dmarc.result, m.dkim[1].domain, m.session.ip end
end }
