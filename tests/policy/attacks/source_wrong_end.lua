-- A source that ends in the middle => 'end' expected
-- SPDX-License-Identifier: MIT
return { message = function(m)
