return { name = 'p', title = 'm', dated = '2026-01-01', requires = { { requirement = 'tls', of = 'all', text = 'TLS' } },
sources = { { title = 'a', url = 'b', dated = '2026-01-01' } } }