-- A method of one record called with another => with a colon
-- SPDX-License-Identifier: MIT
return { message = function(m)
  m.dkim.passed(m, "example.org")
end }
