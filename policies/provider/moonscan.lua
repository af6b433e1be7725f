-- SPDX-License-Identifier: MIT
-- A provider with tenants: settings. docs/policies/provider.md says more.

return {
  policy = "standard", -- for customers without a policy
  quarantine = "header", -- "router" once Exim has its router: a Maildir for each tenant
}
