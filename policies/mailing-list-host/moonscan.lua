-- SPDX-License-Identifier: MIT
-- A host of mailing lists: settings. docs/policies/mailing-list-host.md says more.

return {
  policy = "standard",
  quarantine = "header",
}
