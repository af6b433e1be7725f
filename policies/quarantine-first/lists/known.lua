-- SPDX-License-Identifier: MIT
--
-- What somebody has looked at in the quarantine and found to be in order: each with a condition that a
-- stranger cannot meet, and with an end.

return {
  { name = "Newsletter of the chamber", dkim = "chamber.example", expires = "2030-12-31" },
  { name = "Old ticket system", networks = { "198.51.100.77/32" }, from = "tickets.example", expires = "2030-12-31" },
}
