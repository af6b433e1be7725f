-- m.list.one_click for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  while true do local _ = m.list.one_click, m.list.unsubscribe end
end }
