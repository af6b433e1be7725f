-- A source of nested blocks => C stack overflow
-- SPDX-License-Identifier: MIT
@{15000*do @}@{15000*end @}
