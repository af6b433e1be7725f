return { dated = '2026-01-01', note = 'n',
{ name = 'a', title = 'A', source = 's', hosts = { 'google.com', 'A.example' },
networks = { '192.0.2.0/24', '2001:db8::/32', '192.0.2.7' }, spf = { 'c.example' } },
{ name = 'b', title = 'B', source = 's', arc = { 'b.example' } },
{ name = 'c-1', title = 'C', source = 's', dkim = { 'a.example' } } }
