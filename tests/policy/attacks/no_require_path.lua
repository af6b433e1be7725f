-- require of a file => policies can require "moonscan" only
-- SPDX-License-Identifier: MIT
return { message = function()
  require "/etc/passwd"
end }
