-- SPDX-License-Identifier: MIT
--
-- Who may hand on mail of others to our people: services that members of the university use. Every
-- condition of an entry must hold; give each an end, so that somebody looks at it again.

return {
  {
    name = "Alumni service of Example College",
    dkim = "alumni.example",
    expires = "2030-12-31",
    note = "agreed with their postmaster",
  },
  {
    name = "Society's mail host", -- signs nothing: known by its addresses
    networks = { "198.51.100.0/28" },
    recipients = { "example.edu" },
    expires = "2030-12-31",
  },
  {
    name = "Large mailbox provider", -- seals with ARC what it forwards: site.lua wants that it saw DMARC pass
    arc = "provider.example",
    recipients = { "example.edu" },
    expires = "2030-12-31",
  },
}
