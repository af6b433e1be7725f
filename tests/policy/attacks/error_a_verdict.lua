-- A verdict as error object => error of type userdata
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  error(moon.accept {})
end }
