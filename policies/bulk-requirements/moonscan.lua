-- SPDX-License-Identifier: MIT
-- What Google, Yahoo and Microsoft ask of senders, asked here too: settings.
-- docs/policies/bulk-requirements.md says more.

return {
  policy = "standard",
  quarantine = "header",
}
