-- A source of 120,000 lines => source_lines.lua:120003: the file returned nothing
-- SPDX-License-Identifier: MIT
@{120000*
@}local x = 1
