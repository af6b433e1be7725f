-- A source of joined names => C stack overflow
-- SPDX-License-Identifier: MIT
local x = ""
return x@{30000*..x@}
