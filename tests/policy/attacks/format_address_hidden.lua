-- %p behind flags and %% => %p is not available
-- SPDX-License-Identifier: MIT
return { message = function(m)
  return ("%%%d%-+# 020.10p"):format(1, m)
end }
