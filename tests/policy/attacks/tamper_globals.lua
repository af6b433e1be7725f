-- Globals replaced, and new ones set => tampered
-- SPDX-License-Identifier: MIT
return { message = function()
  leaked, assert, tostring, pairs, require = true, error, error, error, error
  error("tampered", 0)
end }
