-- SPDX-License-Identifier: MIT
-- Strict, as a bank wants it: settings. docs/policies/bank.md says more.

return {
  policy = "strict", -- what domain owners ask for is done
  quarantine = "header",
  failure = "defer", -- a policy that fails lets nothing in
}
