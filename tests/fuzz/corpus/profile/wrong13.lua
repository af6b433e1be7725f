return { dated = '2026-01-01',
{ name = 'A b' , title = 'B', source = 's' } }