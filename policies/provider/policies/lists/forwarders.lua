-- SPDX-License-Identifier: MIT
--
-- Forwarders that all customers have in common. A customer's own list, in
-- tenants/NAME/lists/forwarders.lua, takes its place.

return {
  { name = "Our own forwarding host", networks = { "203.0.113.10/32" }, expires = "2030-12-31" },
}
