-- A chain of 15,000 words and: its compiler takes the square of the time => returned nothing
-- SPDX-License-Identifier: MIT
local x
if x@{15000* and x@} then end
