-- A list whose file never ends => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function()
  moon.list "endless"
end }
