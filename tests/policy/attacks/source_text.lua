-- A text of 120,000 bytes, kept by the compiler => the file returned string
-- SPDX-License-Identifier: MIT
return "@{120000*t@}"
