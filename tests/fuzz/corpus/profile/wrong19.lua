return { dated = '2026-01-01',
{ name = 'b', title = 'B', source = 's', dkim = { 'a b' } } }