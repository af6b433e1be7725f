-- A source of nested functions => C stack overflow
-- SPDX-License-Identifier: MIT
return @{5000*function() return @}1@{5000* end@}
