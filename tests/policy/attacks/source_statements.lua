-- As many statements as there is room => there is no variable 'x'
-- SPDX-License-Identifier: MIT
@{30000*x=x @}
