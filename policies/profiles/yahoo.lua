-- SPDX-License-Identifier: MIT
--
-- What Yahoo asks of those who send to Yahoo Mail and AOL, as a check on mail that comes in here.

return {
  name = "yahoo",
  title = "Yahoo: sender requirements of Yahoo Mail and AOL",
  dated = "2026-11-21",
  sources = {
    { title = "Sender Hub: sender best practices", url = "https://senders.yahooinc.com/best-practices/",
      dated = "2026-06-21" },
    { title = "Sender Hub: FAQ", url = "https://senders.yahooinc.com/faqs/",
      dated = "2026-06-21" },
  },
  note = "In force since 2024-02, one-click since 2024-06. Spam rates cannot be seen from here.",

  -- Yahoo names no number and judges by pattern: this one is Google's, whose requirements came
  -- together with Yahoo's.
  bulk = { messages = 5000, sticky = true },

  esc = "5.7.9",
  requires = {
    { requirement = "spf_or_dkim", of = "all",
      text = "{domain}: neither SPF nor DKIM passes" },
    { requirement = "reverse_dns", of = "all", esc = "5.7.25",
      text = "{domain}: the sending address has no name that leads back to it" },
    { requirement = "one_author", of = "all",
      text = "the From field must name one author" },

    { requirement = "spf", of = "bulk",
      text = "{domain} sends in bulk: SPF must pass" },
    { requirement = "dkim", of = "bulk",
      text = "{domain} sends in bulk: DKIM must pass" },
    { requirement = "dmarc_record", of = "bulk",
      text = "{domain} sends in bulk and has no DMARC policy: p=none at least is wanted" },
    { requirement = "aligned", of = "bulk",
      text = "{domain} sends in bulk: SPF or DKIM must pass for the domain in From" },
    { requirement = "one_click", of = "bulk",
      text = "{domain} sends in bulk: subscribers need one-click unsubscribe (RFC 8058)" },

    -- DMARC is content with one aligned signature that passes. Yahoo promises nothing when there are
    -- several of them and not all pass.
    { requirement = "all_aligned_signatures", of = "all", advice = true,
      text = "{domain}: of several signatures of this domain one does not pass" },
  },
}
