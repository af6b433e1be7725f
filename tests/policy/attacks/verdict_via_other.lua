-- An override by what is no entry => via must be
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  return moon.accept { override = "trusted_forwarder", via = m }
end }
