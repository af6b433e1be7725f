-- A line of 120,000 blanks => returned nothing
-- SPDX-License-Identifier: MIT
@{120000* @}
