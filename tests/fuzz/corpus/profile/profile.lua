return { name = 'p', title = 'P', dated = '2026-01-01', esc = '5.7.1',
sources = { { title = 'a', url = 'b', dated = '2026-01-01' } },
note = 'n', bulk = { messages = 5000, sticky = true },
requires = { { requirement = 'tls', of = 'all', text = 'T' },
{ requirement = 'spf', of = 'bulk', text = '{domain}', esc = '5.7.23', advice = true },
{ requirement = 'x', of = 'all', text = 't', holds = function(m) end } } }
