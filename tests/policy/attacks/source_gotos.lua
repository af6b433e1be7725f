-- 20,000 jumps to a label that is not there => no visible label 'a'
-- SPDX-License-Identifier: MIT
@{17000*goto a @}
