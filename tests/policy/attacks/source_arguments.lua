-- A call with 20,000 arguments => function or expression needs too many registers
-- SPDX-License-Identifier: MIT
local f
f(@{20000*f, @}f)
