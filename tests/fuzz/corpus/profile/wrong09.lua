return { dated = '2026-01-01',
{ name = 'a' } }