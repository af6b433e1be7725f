-- require of a library => policies can require "moonscan" only
-- SPDX-License-Identifier: MIT
return { message = function()
  require "os".execute "true"
end }
