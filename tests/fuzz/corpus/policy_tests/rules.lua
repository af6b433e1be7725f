local moon = require 'moonscan'
local policy = { message = function(m) return moon.accept {} end }
function policy.reject(m) end
local reject = moon.reject
policy.recipients = { abuse = function(m) return reject { text = 'a' } or moon.defer ( { } ) or moon.quarantine 'x' or m:accept {} end }
policy.tests = { { rcpt = 'abuse@a.example', expect = { verdict = 'reject' } } }
return policy
