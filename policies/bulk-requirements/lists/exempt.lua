-- SPDX-License-Identifier: MIT
--
-- Senders who are let off, each known by something that a stranger cannot have, and with an end.

return {
  { name = "Town library", networks = { "198.51.100.40/32" }, expires = "2030-12-31", note = "old mail system" },
}
