return { ['*'] = { mode = 'dry_run', canary = 5, policy = 'gold', settings = { spam = false, a = 1 } },
 acme = { mode = 'enforce', canary = 0, settings = { spam = true, n = 0.5, i = -3, t = 'text', l = { 1, 'x', true, 2.5 }, m = { a = 1, ['b c'] = 'y' }, e = {} } },
 beta = { mode = 'shadow', policy = 'silver-2' } }