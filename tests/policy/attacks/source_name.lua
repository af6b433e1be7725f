-- A name of 120,000 bytes => returned nothing
-- SPDX-License-Identifier: MIT
local @{120000*n@}
