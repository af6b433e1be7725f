-- m.sender for ever: its networks are gone through => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  while true do local _ = m.sender.provider, m.sender.evidence, m.sender.volume_24h, m.sender.first_seen_days end
end }
