-- A table that looks like a verdict => returned a table
-- SPDX-License-Identifier: MIT
return { message = function()
  return { kind = "accept", verdict = "accept" }
end }
