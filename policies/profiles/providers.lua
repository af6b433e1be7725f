-- SPDX-License-Identifier: MIT
--
-- Who runs the host that sends: m.sender.provider. Dated data; a site's own profiles/providers.lua
-- takes the place of all of it.
--
--   hosts     verified host names (forward-confirmed reverse DNS), and all below them
--   networks  addresses that only this provider sends from
--   spf       envelope domains of its own, and all below them, when SPF passes
--   arc       domains that seal as the newest of a passing chain
--   dkim      domains of its own that it signs with, and all below them
--
-- What customers run does not belong here: names of rented servers (googleusercontent.com,
-- amazonaws.com, cloudapp.net), and domains of customers. Two entries cannot share a name.

return {
  dated = "2026-11-21",

  { name = "google", title = "Google: Gmail and Workspace",
    source = "SPF record of _spf.google.com",
    hosts = { "google.com" },
    networks = { "74.125.0.0/16", "209.85.128.0/17", "2001:4860:4864::/56", "2404:6800:4864::/56",
                 "2607:f8b0:4864::/56", "2800:3f0:4864::/56", "2a00:1450:4864::/56",
                 "2c0f:fb50:4864::/56" },
    spf = { "gmail.com", "google.com", "googlegroups.com", "googlemail.com" },
    arc = { "google.com" },
    dkim = { "gmail.com", "gappssmtp.com", "google.com", "googlegroups.com", "googlemail.com" } },

  { name = "microsoft", title = "Microsoft: Outlook.com and Exchange Online",
    source = "SPF record of spf.protection.outlook.com",
    hosts = { "outlook.com", "hotmail.com" },
    networks = { "40.92.0.0/15", "40.107.0.0/16", "52.100.0.0/15", "52.102.0.0/16",
                 "52.103.0.0/17", "104.47.0.0/17", "2a01:111:f400::/48", "2a01:111:f403::/49",
                 "2a01:111:f403:8000::/51", "2a01:111:f403:c000::/51", "2a01:111:f403:f000::/52" },
    spf = { "hotmail.com", "live.com", "msn.com", "outlook.com" },
    arc = { "microsoft.com" },
    dkim = { "hotmail.com", "live.com", "msn.com", "onmicrosoft.com", "outlook.com" } },

  { name = "yahoo", title = "Yahoo: Yahoo Mail and AOL",
    source = "names of its hosts",
    hosts = { "yahoo.com", "yahoo.net", "aol.com" },
    spf = { "aol.com", "rocketmail.com", "yahoo.com", "ymail.com" },
    arc = { "yahoo.com" },
    dkim = { "aol.com", "rocketmail.com", "yahoo.com", "ymail.com" } },

  { name = "apple", title = "Apple: iCloud Mail",
    source = "SPF record of icloud.com",
    hosts = { "icloud.com", "me.com", "apple.com" },
    networks = { "17.41.0.0/16", "17.57.155.0/24", "17.57.156.0/24", "17.58.0.0/16",
                 "17.142.0.0/15", "57.103.64.0/18", "144.178.36.0/24", "144.178.38.0/24",
                 "2a01:b747:3000:200::/56", "2a01:b747:3001:200::/56", "2a01:b747:3002:200::/56",
                 "2a01:b747:3003:200::/56", "2a01:b747:3004:200::/56", "2a01:b747:3005:200::/56",
                 "2a01:b747:3006:200::/56" },
    spf = { "icloud.com", "mac.com", "me.com" },
    arc = { "icloud.com" },
    dkim = { "icloud.com", "mac.com", "me.com", "privaterelay.appleid.com" } },

  -- Mailbox providers ------------------------------------------------------------------------------

  { name = "fastmail", title = "Fastmail",
    source = "names of its hosts",
    hosts = { "messagingengine.com" },
    spf = { "fastmail.com", "fastmail.fm", "messagingengine.com" },
    arc = { "messagingengine.com" },
    dkim = { "fastmail.com", "fastmail.fm", "messagingengine.com" } },

  { name = "proton", title = "Proton Mail",
    source = "addresses announced by AS62371",
    hosts = { "protonmail.ch", "proton.ch" },
    networks = { "79.135.106.0/23", "185.70.40.0/22" },
    spf = { "pm.me", "proton.me", "protonmail.ch", "protonmail.com" },
    dkim = { "pm.me", "proton.me", "protonmail.ch", "protonmail.com" } },

  { name = "gmx", title = "GMX, WEB.DE and mail.com",
    source = "names of its hosts",
    hosts = { "mout.gmx.com", "mout.gmx.net", "mout.mail.com", "mout.web.de" },
    spf = { "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "mail.com", "web.de" },
    dkim = { "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "mail.com", "web.de" } },

  { name = "ionos", title = "IONOS",
    source = "names of its hosts",
    hosts = { "mout.kundenserver.de", "mout.perfora.net" } },

  { name = "zoho", title = "Zoho Mail",
    source = "names of its hosts",
    hosts = { "zoho.com", "zoho.eu", "zoho.in", "zohomail.com", "zohomail.eu" },
    spf = { "zoho.com", "zohomail.com", "zohomail.eu" },
    arc = { "zohomail.com", "zohomail.eu" },
    dkim = { "zoho.com", "zohomail.com", "zohomail.eu" } },

  { name = "yandex", title = "Yandex Mail",
    source = "names of its hosts",
    hosts = { "yandex.net", "yandex.ru" },
    spf = { "yandex.com", "yandex.ru" },
    dkim = { "yandex.com", "yandex.ru" } },

  { name = "mailru", title = "VK Mail (mail.ru)",
    source = "names of its hosts",
    hosts = { "mail.ru" },
    spf = { "mail.ru" },
    dkim = { "mail.ru" } },

  -- Who sends for others ---------------------------------------------------------------------------

  { name = "amazonses", title = "Amazon SES",
    source = "SPF record of amazonses.com",
    hosts = { "amazonses.com" },
    networks = { "23.249.208.0/20", "23.251.224.0/19", "24.110.64.0/18", "54.240.0.0/18",
                 "54.240.64.0/18", "69.169.224.0/20", "76.223.128.0/19", "76.223.176.0/20",
                 "98.77.0.0/16", "199.127.232.0/22", "199.255.192.0/22", "206.55.144.0/20",
                 "216.221.160.0/19" },
    spf = { "amazonses.com" },
    dkim = { "amazonses.com" } },

  { name = "sendgrid", title = "Twilio SendGrid",
    source = "SPF record of sendgrid.net",
    hosts = { "sendgrid.net" },
    networks = { "50.31.32.0/19", "149.72.0.0/16", "159.183.0.0/16", "167.89.0.0/17",
                 "168.245.0.0/17", "192.254.112.0/20", "198.21.0.0/21", "198.37.144.0/20",
                 "208.117.48.0/20", "223.165.113.0/24", "223.165.115.0/24", "223.165.118.0/23",
                 "223.165.120.0/23" },
    spf = { "sendgrid.net" },
    dkim = { "sendgrid.info", "sendgrid.me", "sendgrid.net" } },

  { name = "mailchimp", title = "Mailchimp and Mandrill",
    source = "mailchimp.com/about/ips; SPF record of servers.mcsv.net",
    hosts = { "mandrillapp.com", "mcdlv.net", "mcsv.net", "rsgsv.net" },
    networks = { "148.105.0.0/16", "198.2.128.0/18", "205.201.128.0/20" },
    spf = { "mandrillapp.com", "mcdlv.net", "mcsv.net", "rsgsv.net" },
    dkim = { "mailchimpapp.com", "mailchimpapp.net", "mandrillapp.com", "mcsv.net" } },

  { name = "mailgun", title = "Mailgun",
    source = "SPF record of _spf.mailgun.org",
    hosts = { "mailgun.co", "mailgun.net", "mailgun.org" },
    networks = { "69.72.32.0/20", "104.130.96.0/28", "104.130.122.0/23", "143.55.224.0/21",
                 "143.55.232.0/22", "146.20.112.0/26", "146.20.113.0/24", "146.20.191.0/24",
                 "159.112.240.0/20", "159.135.224.0/20", "161.38.192.0/20", "166.78.68.0/22",
                 "192.237.158.0/23", "198.61.254.0/23", "198.244.48.0/20", "209.61.151.0/24" },
    spf = { "mailgun.co", "mailgun.net", "mailgun.org" },
    dkim = { "mailgun.co", "mailgun.net", "mailgun.org" } },

  { name = "mailjet", title = "Mailjet",
    source = "names of its hosts",
    hosts = { "mailjet.com" },
    spf = { "mailjet.com" },
    dkim = { "mailjet.com" } },

  { name = "postmark", title = "Postmark",
    source = "postmarkapp.com, IPs for firewalls",
    hosts = { "mtasv.net" },
    networks = { "50.31.156.96/27", "50.31.205.0/24", "104.245.209.192/26" },
    spf = { "mtasv.net" },
    dkim = { "mtasv.net" } },

  { name = "sparkpost", title = "SparkPost",
    source = "names of its hosts",
    hosts = { "sparkpostmail.com", "e.sparkpost.com" },
    spf = { "sparkpostmail.com" },
    dkim = { "sparkpostmail.com" } },

  { name = "brevo", title = "Brevo (Sendinblue)",
    source = "names of its hosts",
    hosts = { "sender-sib.com", "mailin.fr" },
    spf = { "sender-sib.com" },
    dkim = { "brevosend.com", "sender-sib.com" } },

  { name = "salesforce", title = "Salesforce and its Marketing Cloud",
    source = "names of its hosts",
    hosts = { "exacttarget.com", "salesforce.com" },
    spf = { "exacttarget.com", "salesforce.com" },
    dkim = { "exacttarget.com", "mc.salesforce.com", "salesforce.com" } },

  { name = "hubspot", title = "HubSpot",
    source = "names of its hosts",
    hosts = { "hubspotemail.net" },
    spf = { "hubspotemail.net" },
    dkim = { "hubspotemail.net" } },

  { name = "constantcontact", title = "Constant Contact",
    source = "names of its hosts",
    hosts = { "constantcontact.com", "ccsend.com" },
    spf = { "in.constantcontact.com" },
    dkim = { "auth.ccsend.com", "ccsend.com" } },
}
