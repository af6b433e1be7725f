-- Bad bytes in the functions of utf8, for ever => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local bad = { "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf8\x88\x80\x80\x80", "a\x80", "\xe2\x82" }
  while true do
    for _, s in ipairs(bad) do
      utf8.len(s)
      pcall(utf8.codepoint, s, 1, -1)
      pcall(utf8.offset, s, 1, #s)
      utf8.len(s, 1, -1, true)
    end
  end
end }
