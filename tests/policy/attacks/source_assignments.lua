-- An assignment to 20,000 names => C stack overflow
-- SPDX-License-Identifier: MIT
local x
@{20000*x, @}x = 1
