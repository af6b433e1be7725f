-- A source of powers, which nest to the right => C stack overflow
-- SPDX-License-Identifier: MIT
return 1@{30000*^1@}
