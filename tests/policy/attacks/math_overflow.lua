-- The one quotient that overflows, for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  while true do
    assert(math.mininteger // -1 == math.mininteger and math.mininteger % -1 == 0)
    assert(math.abs(math.mininteger) == math.mininteger and math.fmod(math.mininteger, -1) == 0)
  end
end }
