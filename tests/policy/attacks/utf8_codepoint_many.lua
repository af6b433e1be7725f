-- utf8.codepoint that gives a million values => too long
-- SPDX-License-Identifier: MIT
return { message = function()
  return utf8.codepoint(("x"):rep(1000000), 1, -1)
end }
