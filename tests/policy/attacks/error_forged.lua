-- An error text that looks like another tenant's file => error_forged.lua:4: tenants/witness.lua:1: hello
-- SPDX-License-Identifier: MIT
return { message = function()
  error("tenants/witness.lua:1: hello", 0)
end }
