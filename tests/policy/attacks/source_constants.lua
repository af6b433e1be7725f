-- A table of 20,000 constants => no function 'message'
-- SPDX-License-Identifier: MIT
return { @{20000*1.5, @} }
