-- SPDX-License-Identifier: MIT
--
-- What each customer has. "*" is for all; a customer's entry says only what is different. A new
-- customer is a line here and in tenants.map, or in tenants.map alone.

return {
  ["*"] = {
    policy = "base",
    settings = {
      forged = "quarantine", -- mail that fails DMARC under p=reject: "quarantine" or "reject"
      own_name = "reject", -- mail in the customer's own name from outside: the same
      tag = "", -- in front of the subject of what fails under p=none; "": nothing
      patience_hours = 4, -- how long a sender waits while DNS is in trouble; 0: not at all
    },
  },
  provider = { settings = { forged = "reject" } },
  ["customer-a"] = { settings = { forged = "reject", tag = "[unverified]" } },
  ["customer-b"] = { settings = { own_name = "quarantine", patience_hours = 0 } }, -- with a list of its own
}
