-- A source of 60,000 parentheses => C stack overflow
-- SPDX-License-Identifier: MIT
return @{60000*(@}1@{60000*)@}
