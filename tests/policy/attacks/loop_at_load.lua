-- An endless loop while the file is loaded => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
while true do end
return {}
