-- Random numbers => field 'random'
-- SPDX-License-Identifier: MIT
return { message = function(m)
  return math.random()
end }
