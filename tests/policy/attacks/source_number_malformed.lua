-- A number with 60,000 exponents => malformed number
-- SPDX-License-Identifier: MIT
return 1@{60000*e1@}
