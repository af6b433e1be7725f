-- SPDX-License-Identifier: MIT
-- A university with alumni forwards: settings. docs/policies/university.md says more.

return {
  policy = "standard", -- RFC 9989 section 7.4: what fails under p=reject is quarantined
  quarantine = "header", -- delivered with X-Moonscan-Quarantine; "router" needs Exim's router
}
