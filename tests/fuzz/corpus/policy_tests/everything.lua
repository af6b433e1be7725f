local moon = require 'moonscan'
local policy = { message = function(m) return moon.accept {} end }
policy.tests = function() return {
 { name = 'all', zone = "a.example. A 192.0.2.1", ip = '2001:db8::1', helo = 'h.example', hostname = 'n.example', tls = true,
   authenticated = 'ann', mail_from = '', rcpt = { 'x@a.example', 'y@b.example' }, interface = '192.0.2.9', now = '2026-02-03T04:05:06Z',
   earlier = { '5h', '30m', '2d', '40s' },
   message = { from = 'Ann <ann@a.example>', to = 'x@a.example', subject = 'S', date = false, message_id = '<a@b>', body = 'a\nb\n',
     headers = { 'X-A: 1', 'X-A: 2\n folded' },
     sign = { { algorithm = 'ed25519-sha256', expires = '2027-01-01', selector = 'x', length = 3, signed_at = 5, identity = '@a.example',
       canonicalization = 'simple/relaxed', headers = 'from' }, { domain = 'late.example', late = true }, { broken = true, publish = false } },
     changed = { subject = '[l] S', headers = { 'X-A: 3' }, append = 'more\n', from = 'b@l.example' },
     seal = { { domain = 'l.example', results = 'mx; dmarc=pass' }, { domain = 'k.example', algorithm = 'ed25519-sha256', cv = 'fail', broken = true, publish = false, selector = 'q' } } },
   expect = { verdict = 'accept', action = 'accept', esc = '2.0.0', override = false, layer = 'site', text = 't', reason = 'r', comment = 'c', rule = 2,
     failure = 'f', tag = 'g', headers = 'X', spf = 'none', dkim = 'pass', dmarc = 'none', arc = 'pass' } },
 { message = { file = 'fixtures/a.eml', sign = { domain = 'a.example' }, changed = { append = 'x' } }, store = false, now = 1,
   expect = { verdict = 'reject', rule = 'site.lua' } },
 { name = 'a\nok 1 - forged\n  ...\n# x', zone = "a.example. A 192.0.2.1", message = 'fixtures/a.eml', expect = { verdict = 'defer' } },
} end
return policy
