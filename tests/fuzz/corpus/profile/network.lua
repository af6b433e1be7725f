return { dated = '2026-01-01',
{ name = 'a', title = 'A', source = 's', networks = { '192.0.2.0/24', '2001:db8::/32', '192.0.2.0/20', '10.0.0.0/8' } } }
