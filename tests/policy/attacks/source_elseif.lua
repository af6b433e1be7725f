-- A chain of 8,000 branches => returned nothing
-- SPDX-License-Identifier: MIT
local x
if x then @{8000*elseif x then @}end
