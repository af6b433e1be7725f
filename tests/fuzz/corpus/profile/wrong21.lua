return { dated = '2026-01-01',
{ name = 'b', title = 'a\
b', source = 's' } }