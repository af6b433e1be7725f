-- gsub whose replacement names the match a hundred times => memory limit of 8388608 bytes reached
-- SPDX-License-Identifier: MIT
return { message = function()
  local s = ("x"):rep(400000)
  return (s:gsub(".+", ("%0"):rep(100)))
end }
