-- A code point that is none => UTF-8 value too large
-- SPDX-License-Identifier: MIT
return "\u{ffffffff@{1000*f@}}"
