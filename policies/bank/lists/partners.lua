-- SPDX-License-Identifier: MIT
--
-- Partners whose mail is known to fail, agreed with them in writing, each as narrow as can be and
-- with an end.

return {
  {
    name = "Payment reports of the clearing house",
    networks = { "198.51.100.8/32" },
    from = { "clearing.example" },
    recipients = { "reports@bank.example" },
    expires = "2030-12-31",
    note = "contract 4711; they will sign from 2031 on",
  },
}
