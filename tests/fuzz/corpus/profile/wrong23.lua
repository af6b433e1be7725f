return { dated = '2026-01-01',
{ name = 'a', title = 'A', source = 's', networks = { '192.0.2.1/24' } },
{ name = 'b', title = 'B', source = 's',
networks = { '192.0.2.0/24' } } }