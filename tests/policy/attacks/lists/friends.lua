-- SPDX-License-Identifier: MIT
return {
  "alumni.example",
  { name = "Old server", dkim = "lists.example", networks = { "192.0.2.0/24" }, note = "a note" },
}
