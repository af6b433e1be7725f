-- 300 optional items => pattern too complex
-- SPDX-License-Identifier: MIT
return { message = function()
  return ("a"):rep(1000):find(("a?"):rep(300))
end }
