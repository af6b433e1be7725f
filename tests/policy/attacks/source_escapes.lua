-- A text of escapes => the file returned string
-- SPDX-License-Identifier: MIT
return "@{25000*\u{7}@}"
