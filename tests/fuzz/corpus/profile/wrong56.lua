return { name = 'p', title = 'P', dated = '2026-01-01', esc = '5.7.1',
sources = { { title = 'a', url = 'b', dated = '2026-01-01' } },
requires = { { requirement = 'tls', of = 'all', text = 't', esc = '5.7.1 x' } } }