-- SPDX-License-Identifier: MIT
--
-- What Microsoft asks of those who send in bulk to Outlook.com, Hotmail, Live and MSN, as a check on
-- mail that comes in here.

return {
  name = "microsoft",
  title = "Microsoft: requirements of Outlook.com for high-volume senders",
  dated = "2026-11-21",
  sources = {
    { title = "Strengthening Email Ecosystem: Outlook's New Requirements for High-Volume Senders",
      url = "https://techcommunity.microsoft.com/blog/microsoftdefenderforoffice365blog/4399730",
      dated = "2025-04-30" },
    { title = "Fix NDR error 550 5.7.515 in Outlook.com",
      url = "https://support.microsoft.com/topic/34cfe8f8-6fbf-457e-9e8b-9e4dbaf4e0ef",
      dated = "2026-06-21" },
  },
  note = "In force since 2025-05-05. The announcement speaks of Junk first as well as of refusal.",

  -- 5,000 messages a day of one domain in From. Microsoft does not say whether this ends again.
  bulk = { messages = 5000, sticky = false },

  esc = "5.7.515",
  requires = {
    { requirement = "spf", of = "bulk",
      text = "{domain} does not meet the authentication asked of bulk senders: SPF must pass" },
    { requirement = "dkim", of = "bulk",
      text = "{domain} does not meet the authentication asked of bulk senders: DKIM must pass" },
    { requirement = "dmarc_record", of = "bulk",
      text = "{domain} does not meet the authentication asked of bulk senders: it has no DMARC policy" },
    { requirement = "aligned", of = "bulk",
      text = "{domain} does not meet the authentication asked of bulk senders: SPF or DKIM must pass "
        .. "for the domain in From" },

    -- Asked for as good practice, not under 5.7.515.
    { requirement = "one_click", of = "bulk", advice = true,
      text = "{domain} sends in bulk: subscribers should be able to unsubscribe with one click" },
  },
}
