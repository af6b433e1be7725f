-- The length of what is no list => m.dmarc is no list
-- SPDX-License-Identifier: MIT
return { message = function(m)
  return #m.dmarc
end }
