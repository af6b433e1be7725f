-- Names of metamethods as facts => m has no field '__index'
-- SPDX-License-Identifier: MIT
return { message = function(m)
  return m.__index
end }
