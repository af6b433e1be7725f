return { dated = '2026-01-01',
{ name = 'a', title = 'A', source = 's', hosts = { 'a.example' } },
{ name = 'b', title = 'B' } }