-- A chain of calls => attempt to call a nil value
-- SPDX-License-Identifier: MIT
local function f() end
f@{40000*()@}
