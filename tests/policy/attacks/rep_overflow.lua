-- string.rep whose length overflows => the result would be too long
-- SPDX-License-Identifier: MIT
return { message = function(m)
  local _ = ("ab"):rep(math.maxinteger)
end }
