-- %f at each place, with a large set => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  ("a"):rep(100000):find("%f[" .. ("bc"):rep(450) .. "]")
end }
