-- A function of 300 parameters => too many local variables
-- SPDX-License-Identifier: MIT
return function(@{300*a, @}a) end
