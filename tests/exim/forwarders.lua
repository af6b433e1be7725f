-- SPDX-License-Identifier: MIT
-- The demo's trusted forwarder: what it signs and sends from its own host.
return {
  { name = "alumni forwarding", dkim = "alumni-forward.example", networks = { "127.0.2.25" } },
}
