-- The way out by os => 'os' is not available in policies
-- SPDX-License-Identifier: MIT
return { message = function()
  os.exit(0)
end }
