-- SPDX-License-Identifier: MIT
-- Customer B has a branch office with a mail server of its own.

return {
  { name = "Our own forwarding host", networks = { "203.0.113.10/32" }, expires = "2030-12-31" },
  { name = "Branch office", dkim = "branch.example", recipients = "customer-b.example", expires = "2030-12-31" },
}
