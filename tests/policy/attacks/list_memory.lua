-- Lists that need more memory than a worker has => the lists need more than 67108864 bytes
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function()
  for c in ("abcdefgh"):gmatch(".") do moon.list("big_" .. c) end
end }
