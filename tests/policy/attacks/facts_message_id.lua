-- m.message_id for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  while true do local _ = m.message_id end
end }
