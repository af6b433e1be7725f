-- string.byte and sub at the edges of the integers => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  local s = "text"
  while true do
    assert(s:sub(math.mininteger, math.maxinteger) == s and s:byte(math.mininteger) == nil)
    assert(s:sub(math.maxinteger, math.mininteger) == "" and #{ s:byte(math.mininteger, math.maxinteger) } == 4)
  end
end }
