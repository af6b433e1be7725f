-- SPDX-License-Identifier: MIT
--
-- What Google asks of those who send to Gmail, as a check on mail that comes in here.

return {
  name = "google",
  title = "Google: sender requirements of Gmail",
  dated = "2026-11-21",
  sources = {
    { title = "Email sender guidelines", url = "https://support.google.com/a/answer/81126",
      dated = "2025-11-03" },
    { title = "Email sender guidelines FAQ", url = "https://support.google.com/a/answer/14229414",
      dated = "2025-11-03" },
    { title = "Gmail SMTP errors and codes", url = "https://support.google.com/a/answer/3726730",
      dated = "2026-06-21" },
  },
  note = "In force since 2024-02-01, refusals since 2025-11. Spam rates cannot be seen from here.",

  -- Close to 5,000 messages within 24 hours, all below one registered domain counted together. Who
  -- was a bulk sender once stays one.
  bulk = { messages = 5000, sticky = true },

  esc = "5.7.26",
  requires = {
    { requirement = "spf_or_dkim", of = "all", esc = "5.7.26",
      text = "{domain}: neither SPF nor DKIM passes" },
    { requirement = "reverse_dns", of = "all", esc = "5.7.25",
      text = "{domain}: the sending address has no name that leads back to it" },
    { requirement = "tls", of = "all", esc = "5.7.29",
      text = "{domain}: mail must be sent over TLS" },
    { requirement = "one_author", of = "all", esc = "5.7.1",
      text = "the From field must name one author" },

    { requirement = "spf", of = "bulk", esc = "5.7.27",
      text = "{domain} sends in bulk: SPF must pass" },
    { requirement = "dkim", of = "bulk", esc = "5.7.30",
      text = "{domain} sends in bulk: DKIM must pass" },
    { requirement = "dmarc_record", of = "bulk", esc = "5.7.40",
      text = "{domain} sends in bulk and has no DMARC policy: p=none at least is wanted" },
    { requirement = "aligned", of = "bulk", esc = "5.7.32",
      text = "{domain} sends in bulk: SPF or DKIM must pass for the domain in From" },
    { requirement = "one_click", of = "bulk", esc = "5.7.1",
      text = "{domain} sends in bulk: subscribers need one-click unsubscribe (RFC 8058)" },
  },
}
