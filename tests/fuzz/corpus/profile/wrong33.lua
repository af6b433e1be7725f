return { name = 'p', title = 'm',
dated = 'today' }