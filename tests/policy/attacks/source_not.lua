-- A source of 30,000 words not => C stack overflow
-- SPDX-License-Identifier: MIT
return @{30000*not @}1
