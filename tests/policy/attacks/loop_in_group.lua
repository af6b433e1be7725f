-- An endless loop in a recipient group => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
local function forever() while true do end end
return { recipients = { x = forever, y = forever, ["x@loop_in_group.example"] = forever } }
