return { name = 'p', title = 'm', dated = '2026-01-01',
sources = { { title = 'a',
link = 'x' } } }