-- A function in 190 functions that reaches for the outermost name => the file returned function
-- SPDX-License-Identifier: MIT
local x
return @{60*function() return @}x@{60* end@}
