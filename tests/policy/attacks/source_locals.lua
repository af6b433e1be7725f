-- More local names than there may be => too many local variables
-- SPDX-License-Identifier: MIT
@{300*local x @}
