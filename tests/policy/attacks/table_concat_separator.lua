-- table.concat with a separator of megabytes => memory limit of 8388608 bytes reached
-- SPDX-License-Identifier: MIT
return { message = function()
  table.concat({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, ("x"):rep(2000000))
end }
