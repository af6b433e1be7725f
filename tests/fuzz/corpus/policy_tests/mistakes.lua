local moon = require 'moonscan'
local policy = { message = function(m) return moon.accept {} end }
policy.tests = {
 { name = 'x', message = { form = 'a' } },
 5,
 { [1] = 2, expect = {} },
 { tls = 5 },
 { rcpt = 5 },
 { rcpt = { 5 } },
 { now = 'soon' },
 { now = -1 },
 { message = 5 },
 { message = { sign = 5 } },
 { message = { sign = { 5 } } },
 { message = { sign = { broken = 1 } } },
 { zone = 'a\0b' },
 { message = { headers = { 'X' } }, expect = { verdict = 'accept' } },
 { message = { sign = { algorithm = 'rsa' } }, expect = { verdict = 'accept' } },
 { message = { seal = {} }, expect = { verdict = 'accept' } },
 { message = { seal = { domain = 'a', algorithm = 'x' } }, expect = { verdict = 'accept' } },
 { message = { from = false, sign = {} }, expect = { verdict = 'accept' } },
 { message = { file = 'fixtures/a.eml', body = 'x' }, expect = { verdict = 'accept' } },
 { earlier = '5 hours', expect = { verdict = 'accept' } },
 { expect = { rule = {} } },
 { expect = { override = true } },
 { message = { sign = { length = 'x' } } } }
return policy
