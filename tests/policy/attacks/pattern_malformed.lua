-- Malformed patterns of all kinds => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local wrong = { "%", "[a", "[%", "(a", "a.)", "%b", "%bx", "%f", "%f[", "%1", "[^", "[]", "(()", "%0" }
  while true do
    for _, p in ipairs(wrong) do assert(not pcall(string.find, "aaa(", p)) end
  end
end }
