-- SPDX-License-Identifier: MIT
-- Quarantine first: settings. docs/policies/quarantine-first.md says more.

return {
  policy = "standard",
  quarantine = "header", -- "router" once Exim has its router: quarantine per tenant, `moonscan quarantine`
  failure = "accept", -- a policy that fails holds up nothing
}
