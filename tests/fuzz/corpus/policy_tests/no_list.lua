local moon = require 'moonscan'
local policy = { message = function(m) return moon.accept {} end }
policy.tests = { name = 'x' }
return policy
