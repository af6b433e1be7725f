-- pcall as __call, which calls the table again => C stack overflow
-- SPDX-License-Identifier: MIT
return { message = function()
  local t
  t = setmetatable({}, { __call = pcall })
  local ok, good, why = t(t)
  while type(why) ~= "string" do ok, good, why = good, why, select(2, pcall(tostring, setmetatable({}, { __tostring = tostring }))) end
  error(why, 0)
end }
