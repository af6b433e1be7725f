-- Keys of every type => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function(m)
  local keys = { true, 1.5, {}, m, math.huge, -1, 0, math.maxinteger, math.mininteger, error }
  while true do
    for _, key in ipairs(keys) do
      pcall(function() return m.dkim[key] end)
      pcall(function() return m[key] end)
    end
  end
end }
