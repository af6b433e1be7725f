-- Attributes that are none => unknown attribute 'gc'
-- SPDX-License-Identifier: MIT
local x <gc> = 1
