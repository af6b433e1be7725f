local moon = require 'moonscan'
local policy = { message = function(m) return moon.accept {} end }
policy.tests = {} for i = 1, 2001 do policy.tests[i] = { expect = {} } end
return policy
