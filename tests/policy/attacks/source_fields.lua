-- A chain of fields => attempt to index a nil value
-- SPDX-License-Identifier: MIT
local t = {}
return t@{60000*.a@}
