-- A source of nested tables => C stack overflow
-- SPDX-License-Identifier: MIT
return @{60000*{@}@{60000*}@}
