-- string.dump, the way to bytecode => field 'dump'
-- SPDX-License-Identifier: MIT
return { message = function()
  return string.dump(function() end)
end }
