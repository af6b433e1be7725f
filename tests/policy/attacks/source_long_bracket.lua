-- A text in brackets of 60,000 levels => the file returned string
-- SPDX-License-Identifier: MIT
return [@{50000*=@}[x]@{50000*=@}]
