---@meta moonscan
-- SPDX-License-Identifier: MIT
--
-- The API of policies, for editors (lua-language-server; docs/policy-api.md says how) and for the checks:
-- this is the one list of it. A name is added here, in its C table and in docs/policy-api.md;
-- tests/lint/api.py holds the three against each other. One line a name; types are written without
-- blanks, but for the result of a function; "?" says that a value may be nil.

-- Words ------------------------------------------------------------------------------------------

---What SPF found (RFC 8601 section 2.7).
---@alias moonscan.SpfResult "none"|"pass"|"fail"|"softfail"|"neutral"|"temperror"|"permerror"
---What DKIM found, of a signature or of the message; "policy": valid, or might be, but not acceptable here.
---@alias moonscan.DkimResult "none"|"pass"|"fail"|"policy"|"neutral"|"temperror"|"permerror"
---@alias moonscan.ArcResult "none"|"pass"|"fail"
---@alias moonscan.DmarcResult "none"|"pass"|"fail"|"temperror"|"permerror"
---@alias moonscan.IprevResult "none"|"pass"
---What a domain owner asks for; "" without a record.
---@alias moonscan.DmarcPolicy ""|"none"|"quarantine"|"reject"
---@alias moonscan.DmarcTag "p"|"sp"|"np"
---@alias moonscan.AlignmentMode "relaxed"|"strict"
---@alias moonscan.Scope "mfrom"|"helo"
---@alias moonscan.Discovery "treewalk"|"psl"
---@alias moonscan.Psd "y"|"n"|"u"
---@alias moonscan.ArcPart "seal"|"signature"|"results"|"structure"
---@alias moonscan.ArcMethod "spf"|"dkim"|"dmarc"
---@alias moonscan.Body "intact"|"changed"
---How a provider is known, the strongest first; the last two may be from before the message was forwarded.
---@alias moonscan.Evidence "hostname"|"network"|"spf"|"arc"|"dkim"
---What a requirement is asked of.
---@alias moonscan.RequiredOf "all"|"bulk"
---@alias moonscan.Pattern "srs"|"outlook"|"gmail"
---@alias moonscan.EntryVerdict "accept"|"quarantine"|"reject"|"defer"
---The policy override types of a report (RFC 9990).
---@alias moonscan.Override "local_policy"|"mailing_list"|"other"|"policy_test_mode"|"trusted_forwarder"

-- Facts ------------------------------------------------------------------------------------------

---The message, as a policy sees it. Read-only.
---@class moonscan.Message
---@field session moonscan.Session the client's connection
---@field envelope moonscan.Envelope what SMTP said of the sender
---@field recipients string[] this tenant's recipients, as in RCPT TO
---@field recipient_count integer recipients of the whole message, other tenants' too
---@field from moonscan.From the author, from the From field
---@field header fun(name: string): string? the first field of that name as one line, without regard to case
---@field headers fun(name: string): string[] all fields of that name, from the top down
---@field size integer bytes of the message
---@field message_id string? the Message-ID field
---@field list moonscan.ListFields what the message says of a mailing list; anybody can write it
---@field forwarding moonscan.Forwarding what the envelope sender says of forwarding; anybody can write it
---@field spf moonscan.Spf SPF of MAIL FROM, or of postmaster at the HELO name for the null sender
---@field spf_helo moonscan.Spf SPF of the HELO name
---@field dkim moonscan.Dkim the DKIM signatures, in message order
---@field arc moonscan.Arc the ARC chain (RFC 8617)
---@field dmarc moonscan.Dmarc DMARC (RFC 9989)
---@field sender moonscan.Sender who sends: looked up when it is read
---@field tenant moonscan.Tenant who is asked

---@class moonscan.Session
---@field ip string? address of the client; nil when it is not known
---@field hop string? the trusted host (trusted_hops) that handed the message on; ip, helo and hostname are then of the client behind it
---@field port integer?
---@field helo string? what the client said in HELO or EHLO
---@field hostname string? the client's name, verified forward and back
---@field iprev moonscan.IprevResult pass: there is such a name
---@field protocol string as in Received: "esmtp", "esmtps", "esmtpsa"
---@field tls string? the cipher, when the connection is encrypted
---@field tls_version string?
---@field authenticated string? name of the authenticator, when the client has authenticated
---@field authenticated_id string? as whom
---@field interface string? our address
---@field interface_port integer?

---@class moonscan.Envelope
---@field mail_from string? the address in MAIL FROM
---@field mail_from_domain string? its domain
---@field null_sender boolean MAIL FROM:<>, as bounces have it

---@class moonscan.From
---@field address string? of the first author
---@field domain string? the Author Domain; nil when From is ambiguous
---@field display_name string?
---@field count integer authors
---@field ambiguous boolean not exactly one clean author
---@field reason string? why it is ambiguous
---@field ours boolean the Author Domain is one of this tenant's own, by tenants.map; false when From is ambiguous

---@class moonscan.ListFields
---@field id string? of List-Id, without the angle brackets
---@field unsubscribe string? the List-Unsubscribe field
---@field one_click boolean one-click unsubscribe (RFC 8058 section 3.1)
---@field domain string? the id's part behind its first dot
---@field verified boolean a DKIM signature or SPF passes for a domain that owns the list
---@field verified_by string? "dkim" or "spf"
---@field verified_domain string? that passed

---@class moonscan.Forwarding
---@field pattern moonscan.Pattern? nil: it is like nothing that forwarders write
---@field verified boolean SPF passes for the forwarder
---@field forwarder string? domain of the envelope sender
---@field mailbox string? whose mail is forwarded; not with SRS
---@field original string? the envelope sender before, as the forwarder says; not with Gmail
---@field original_domain string?
---@field destination string? where it is forwarded to; Gmail only

---@class moonscan.Spf
---@field result moonscan.SpfResult
---@field reason string? why, for people; "" when the result says it all
---@field domain string? that was checked
---@field scope moonscan.Scope
---@field aligned boolean with the Author Domain, as the DMARC record wants it; only of MAIL FROM
---@field lookups integer terms that cost DNS questions; 10 are allowed
---@field voids integer questions that had no answer
---@field matched string? the term that decided, as published
---@field explanation string? what the domain wants a refused client to be told
---@field record string? the record of the domain

---@class moonscan.Dkim
---@field [integer] moonscan.DkimSignature
---@field result moonscan.DkimResult of the message: pass when a signature passes
---@field found integer DKIM-Signature fields, also those beyond the limit
---@field passed fun(self: moonscan.Dkim, domain: string?): moonscan.DkimSignature? the first passing signature of exactly this domain
---@field aligned_pass fun(self: moonscan.Dkim): moonscan.DkimSignature? the first passing signature that is aligned

---@class moonscan.DkimSignature
---@field result moonscan.DkimResult
---@field reason string? why, for people; "" when the result says it all
---@field domain string? d=
---@field selector string? s=
---@field identity string? i=, or "@" and the domain
---@field algorithm string? a=
---@field bits integer of the key; 0: not known
---@field aligned boolean with the Author Domain, whatever the result
---@field canonicalization string? "relaxed/simple": header, then body
---@field body_length integer? l=
---@field unsigned_bytes integer? of the body behind l=; nil unless the result is pass or fail
---@field signed_at integer? t=, seconds since 1970
---@field expires integer? x=, seconds since 1970
---@field testing boolean the key says t=y
---@field headers string[] h=, lower case
---@field unsigned_fields string[] names in h= of which there are more fields than the signature covers

---@class moonscan.Arc
---@field result moonscan.ArcResult
---@field reason string? of fail: names field and instance
---@field temperror boolean it failed for want of a DNS answer
---@field verified boolean there were ARC fields, and they were looked at
---@field instances integer the highest instance; 0: no ARC fields
---@field oldest_pass integer? 0: every signature still verifies; nil: not known, or no pass
---@field failed_instance integer?
---@field failed_part moonscan.ArcPart?
---@field body_changed_after integer? the newest instance that signed another body
---@field sets moonscan.ArcSets
---@field vouches fun(self: moonscan.Arc, who: moonscan.List|moonscan.ListEntry|string, method: moonscan.ArcMethod): boolean does somebody listed say that the method passed?

---@class moonscan.ArcSets
---@field [integer] moonscan.ArcSet by instance

---@class moonscan.ArcSet
---@field instance integer
---@field domain string? of the seal
---@field selector string? of the seal
---@field cv string? chain validation status, as the sealer wrote it
---@field authserv_id string?
---@field seal moonscan.DkimResult? nil: not looked at
---@field seal_reason string?
---@field signature moonscan.DkimResult? of the message; nil: not looked at
---@field signature_reason string?
---@field signature_domain string?
---@field body moonscan.Body? nil: not known
---@field body_length integer?
---@field algorithm string? of the seal
---@field bits integer of the seal's key; 0: not known
---@field signed_at integer? seconds since 1970
---@field results moonscan.ArcMethodResult[] what the sealer wrote; worth what the sealer is worth

---A plain table, made anew at each reading.
---@class moonscan.ArcMethodResult
---@field method string
---@field result string
---@field reason string?
---@field properties table<string,string> by name, like "header.from"

---@class moonscan.Dmarc
---@field result moonscan.DmarcResult
---@field reason string? why, for people; "" when the result says it all
---@field policy moonscan.DmarcPolicy what the owner asks for this message, after sp, np and t
---@field published moonscan.DmarcPolicy the tag that applied, before t
---@field published_tag moonscan.DmarcTag?
---@field record string? the DMARC Policy Record
---@field tags table<string,string> its tags, by name, as published
---@field policy_domain string? where the record was found
---@field organizational_domain string? of the Author Domain
---@field discovery moonscan.Discovery
---@field testing boolean t=y
---@field psd moonscan.Psd
---@field alignment moonscan.Alignment
---@field error string? what was wrong in the records
---@field bimi_eligible boolean the policies of Author Domain and Organizational Domain are strong enough for BIMI
---@field parked boolean? the Author Domain sends and receives no mail; nil: DNS did not say

---@class moonscan.Alignment
---@field dkim boolean a passing signature is aligned
---@field spf boolean the passing SPF identity is aligned
---@field dkim_mode moonscan.AlignmentMode adkim
---@field spf_mode moonscan.AlignmentMode aspf

---@class moonscan.Sender
---@field provider string? who runs the sending host: "google", "microsoft", ...; nil: nobody that is known
---@field evidence string? what that is known by, for people
---@field evidence_kind moonscan.Evidence?
---@field organizational_domain string? of the author, by the Public Suffix List; nil unless SPF or DKIM proves it
---@field volume_24h integer? proven mail of the author's organization in 24 hours, this message included; nil: nobody can tell
---@field first_seen_days integer? since its first mail

---@class moonscan.Tenant
---@field name string "" when the recipients belong to no tenant
---@field settings table<string,any> what tenants.lua gives this tenant; a name that is not there is an error

-- Verdicts ---------------------------------------------------------------------------------------

---What a function of a policy returns; nil: the layer below decides.
---@class moonscan.Verdict

---All may be left out.
---@class moonscan.VerdictFields
---@field esc string? enhanced status code: "5.7.1" for reject, "4.7.0" for defer, "2.0.0" else
---@field text string? what the client is told: one line or several
---@field override moonscan.Override? for reports (RFC 9990)
---@field comment string? to the override; with via, its name and note
---@field via moonscan.ListEntry? the entry that the override goes by: what list:match gave
---@field headers string[]? fields to add: "X-Name: value"
---@field tag string? in front of the subject
---@field reason string? for the log

-- Lists ------------------------------------------------------------------------------------------

---A list file beside the policy. Its items: a domain as text, or an entry.
---@class moonscan.List
---@field [integer] moonscan.ListEntry|string
---@field match fun(self: moonscan.List, m: moonscan.Message): moonscan.ListEntry? the first entry of which every condition holds
---@field verdict fun(self: moonscan.List, m: moonscan.Message): moonscan.Verdict? what the first entry says of which every condition holds
---@field has fun(self: moonscan.List, domain: string?): boolean is it one of the plain items?

---An entry of a list, as a policy reads it; in the file, these are its keys.
---@class moonscan.ListEntry
---@field name string
---@field dkim string|string[]|nil a signature of exactly this domain passes
---@field spf string|string[]|nil SPF passes for exactly this envelope domain
---@field arc string|string[]|nil the chain passes and was sealed by exactly this domain
---@field networks string[] the client's address is in one of them
---@field hosts string[] the client's verified name is among them; ".mx.example": everything below
---@field list_id string[] the List-Id is among them, and is verified unless the entry says how the host is known
---@field mail_from string[] the envelope sender is among them: addresses or domains
---@field recipients string[] all of this tenant's recipients are among them
---@field from string[] the Author Domain is among them; ".bank.example": everything below
---@field dmarc string[] the result of DMARC is among them; of an entry with a verdict "fail", unless it says otherwise
---@field expires string? until the end of this day: "2030-12-31"
---@field note string?
---@field verdict moonscan.EntryVerdict? for list:verdict
---@field override moonscan.Override? with a verdict; "local_policy", unless it says otherwise
---@field text string? with a verdict: what a refused or deferred client is told

-- Profiles ---------------------------------------------------------------------------------------

---What a large receiver asks of senders (policies/profiles/, docs/profiles.md).
---@class moonscan.Profile
---@field name string
---@field title string
---@field dated string when the data were last held against their sources
---@field check fun(self: moonscan.Profile, m: moonscan.Message, options: moonscan.ProfileOptions?): moonscan.Unmet? the first requirement that is not met
---@field unmet fun(self: moonscan.Profile, m: moonscan.Message, options: moonscan.ProfileOptions?): moonscan.Unmet[] all of them, advice too
---@field applies fun(self: moonscan.Profile, m: moonscan.Message): boolean? is the author a bulk sender? nil: nobody can tell

---@class moonscan.ProfileOptions
---@field bulk boolean? take everybody (nobody) for a bulk sender

---A requirement that is not met.
---@class moonscan.Unmet
---@field profile string
---@field requirement string
---@field of moonscan.RequiredOf
---@field text string for the client; names the author's domain
---@field esc string the receiver's own enhanced status code
---@field advice boolean the receiver recommends it

-- The policy -------------------------------------------------------------------------------------

---What a policy file returns.
---@class moonscan.Policy
---@field message? fun(m: moonscan.Message): moonscan.Verdict? asked for each message to this tenant
---@field locked? fun(m: moonscan.Message): moonscan.Verdict? of site.lua only: asked before all tenants; its verdict is final
---@field recipients? table<string,fun(m:moonscan.Message):moonscan.Verdict?> by address or local part: asked first when all recipients belong to one group
---@field tests? moonscan.Test[]|fun():moonscan.Test[] of the policy: `moonscan test` and `moonscan publish` run them

-- Tests of a policy ------------------------------------------------------------------------------

---One test: a message, and what the policy shall make of it. All keys but expect may be left out.
---@class moonscan.Test
---@field name? string what is tested, for people
---@field zone? string what DNS answers, as a zone file; a text without white space names a file in fixtures/
---@field message? moonscan.TestMessage|string the message; a text names a file in fixtures/
---@field ip? string the client's address: 192.0.2.1
---@field helo? string what the client said in EHLO: client.example.net
---@field hostname? string the client's verified name
---@field tls? boolean|string the connection is encrypted; a text is the cipher
---@field authenticated? boolean|string the client has authenticated; a text says as whom
---@field interface? string our address
---@field mail_from? string MAIL FROM, "" for the null sender; the address in From
---@field rcpt? string|string[] the recipients; the address in To
---@field tenant? string whose mail it is; the tenant of the policy
---@field now? string|integer the time of reception: "2026-01-31", "2026-01-31T12:00:00Z" or seconds since 1970
---@field earlier? string|string[] the same message also came so long before ("5h"), for what is counted
---@field store? boolean false: nothing can be counted
---@field expect moonscan.TestExpect what shall come out

---@class moonscan.TestMessage
---@field file? string the message is in this file of fixtures/; no other key but sign, changed and seal then
---@field from? string|false the From field; false: none
---@field to? string|false
---@field subject? string|false
---@field date? string|false
---@field message_id? string|false
---@field body? string
---@field headers? string[] further fields, on top: "X-Name: value"
---@field sign? moonscan.TestSign|moonscan.TestSign[] DKIM signatures, made with keys of the program
---@field changed? moonscan.TestChanged what somebody on the way made of the signed message
---@field seal? moonscan.TestSeal|moonscan.TestSeal[] ARC sets, the first one first

---@class moonscan.TestChanged
---@field subject? string
---@field from? string
---@field append? string put behind the body
---@field headers? string[] put on top

---@class moonscan.TestSign
---@field domain? string d=; the domain in From
---@field selector? string s=; "test"
---@field algorithm? "rsa-sha256"|"rsa-sha1"|"ed25519-sha256"
---@field canonicalization? string c=; "relaxed/relaxed"
---@field headers? string h=; "from:to:subject:date:message-id"
---@field identity? string i=
---@field length? integer l=
---@field signed_at? string|integer t=, a time as in now
---@field expires? string|integer x=, a time as in now
---@field broken? boolean the signature does not verify
---@field publish? boolean false: its key is not in DNS
---@field late? boolean made behind `changed`, as a mailing list does

---@class moonscan.TestSeal
---@field domain string d= of seal and signature
---@field selector? string
---@field algorithm? "rsa-sha256"|"ed25519-sha256"
---@field results? string what ARC-Authentication-Results say: "mx.lists.example; dmarc=pass header.from=a.example"
---@field cv? string "none" for the first, else "pass"
---@field broken? boolean the signature does not verify
---@field publish? boolean false: its key is not in DNS

---What shall come out. verdict, action or failure must be among the keys.
---@class moonscan.TestExpect
---@field verdict? "accept"|"quarantine"|"reject"|"defer"|"discard"
---@field action? "accept"|"reject"|"defer"|"freeze" what Exim is told for the whole message
---@field esc? string|false false: none
---@field override? moonscan.Override|false false: none
---@field layer? "locked"|"recipient"|"tenant"|"site"|"built-in"|"failure" who decided
---@field text? string a part of the reply
---@field reason? string a part of it
---@field comment? string a part of it
---@field rule? string|integer the line, or a part of "file:line"
---@field failure? string a part of the error that the policy fails with
---@field tag? string|false false: none
---@field headers? string[]|false each a part of a field that the policy adds; false: it adds none
---@field spf? moonscan.SpfResult
---@field dkim? moonscan.DkimResult
---@field dmarc? moonscan.DmarcResult
---@field arc? moonscan.ArcResult

-- Asking beyond the message ----------------------------------------------------------------------

---A question to the counter store. Times are "90s", "15m", "24h", "7d" or a number of seconds.
---@class moonscan.Count
---@field key string? what is counted; nil has no answer
---@field window? string|integer from a minute to 90 days; "24h" when left out
---@field add? integer 0 only looks; 1 when left out

---@class moonscan.FirstSeen
---@field key string? what is remembered; nil has no answer
---@field keep? string|integer forgotten when not seen for so long: up to 400 days; "90d" when left out
---@field add? integer 0 only looks; 1 when left out

---A question to DNS: a name, or an address to be asked for, reversed, in a zone.
---@class moonscan.Dns
---@field name? string
---@field type? "A"|"AAAA"|"TXT"|"MX"|"PTR" "A" when left out
---@field ip? string? an address: 192.0.2.1
---@field zone? string below which the address is asked for: "dnsbl.example"

---@alias moonscan.DnsResult "answer"|"nodata"|"nxdomain"|"temperror"

---@class moonscan.DnsAnswer
---@field result moonscan.DnsResult
---@field items string[] addresses, texts or names; those of MX the preferred first; empty without an answer
---@field reason string for the log; "" when all is well
---@field name string what was asked for
---@field type string

-- require "moonscan" -----------------------------------------------------------------------------

---@class moonscan
---@field accept fun(fields: moonscan.VerdictFields?): moonscan.Verdict take the message
---@field quarantine fun(fields: moonscan.VerdictFields?): moonscan.Verdict take it, into quarantine
---@field reject fun(fields: moonscan.VerdictFields?): moonscan.Verdict refuse it for good
---@field defer fun(fields: moonscan.VerdictFields?): moonscan.Verdict refuse it for now: the client tries again
---@field discard fun(fields: moonscan.VerdictFields?): moonscan.Verdict throw this tenant's copy away without telling anybody
---@field list fun(name: string): moonscan.List lists/NAME.lua beside the policy
---@field profile fun(name: string): moonscan.Profile "google", "microsoft", "yahoo", or the site's own
---@field count fun(question: moonscan.Count): integer? what was counted under this key in the window, this message included; nil: nobody knows
---@field dns fun(question: moonscan.Dns): moonscan.DnsAnswer asks DNS
---@field first_seen fun(question: moonscan.FirstSeen): integer|false|nil seconds since the key was first seen; false: never (only with add = 0); nil: nobody knows
---@field retry_within fun(m: moonscan.Message, time: string|integer): boolean? has this client tried for less than that? nil: nobody knows
local moonscan = {}
return moonscan
