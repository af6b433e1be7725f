-- The closing value of a generic for => non-closable value
-- SPDX-License-Identifier: MIT
return { message = function()
  for _ in function() end, nil, nil, setmetatable({}, {}) do end
end }
