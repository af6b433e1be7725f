-- A label again and again => C stack overflow
-- SPDX-License-Identifier: MIT
@{20000*::a:: @}
