-- A number of 120,000 digits => the file returned number
-- SPDX-License-Identifier: MIT
return @{120000*9@}
