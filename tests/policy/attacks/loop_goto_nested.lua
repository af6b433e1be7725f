-- goto out of and into nested blocks => instruction limit of 2000000 reached
-- SPDX-License-Identifier: MIT
return { message = function()
  ::top::
  do
    local x
    do goto top end
  end
end }
