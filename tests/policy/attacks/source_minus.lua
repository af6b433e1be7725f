-- A source of signs => C stack overflow
-- SPDX-License-Identifier: MIT
return @{60000*- @}1
