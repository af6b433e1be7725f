-- SPDX-License-Identifier: MIT
--
-- Trusted forwarders. Every condition of an entry must hold: dkim is the domain of a signature that
-- passes, networks are the hosts the mail may come from, recipients who may get it this way. Give
-- each entry an end, so that somebody looks at it again.

return {
  {
    name = "University of Example alumni service",
    dkim = "alumni.example",
    recipients = { "acme.example" },
    note = "agreed with their postmaster",
  },
  {
    name = "Old lists server",
    dkim = "lists.example",
    networks = { "192.0.2.0/24", "2001:db8:1::/48" },
    from = { "bank.example", ".bank.example" },
    expires = "2030-12-31",
  },
}
