local moon = require 'moonscan'
local policy = { message = function(m) return moon.accept {} end }
local r = {} for i = 1, 201 do r[i] = 'a@a.example' end
policy.tests = { { rcpt = r }, { message = { sign = r } } }
return policy
