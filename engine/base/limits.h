/* SPDX-License-Identifier: MIT
 *
 * limits: every bound on foreign input, in one place, each with its reason. On excess a message
 * gets a defined result with a reason, never silence.
 */
#ifndef MOON_BASE_LIMITS_H
#define MOON_BASE_LIMITS_H

/* Message. Exim's header_maxsize is 1 MB by default; four times that leaves room for sites that
 * raised it. A field of Exim's is at most a header block; more fields than this are only met in
 * attacks. */
#define MOON_HEADER_BYTES_MAX (4u * 1024 * 1024)
#define MOON_FIELDS_MAX       100000u
#define MOON_RECIPIENTS_MAX   100000u /* recipients_max of Exim is 50000 by default from 4.97 on */
#define MOON_ARENA_BYTES_MAX  (64u * 1024 * 1024)
#define MOON_BODY_CHUNK_BYTES (64u * 1024)

/* Names. RFC 1035 section 2.3.4. */
#define MOON_LABEL_MAX  63u
#define MOON_DOMAIN_MAX 253u

/* Received fields of trusted hosts: a gateway, its filter and a second MX make five; and what a
 * host writes of one connection, Postfix's words about TLS included, is a third of this. */
#define MOON_HOPS_MAX           10u
#define MOON_RECEIVED_BYTES_MAX 2000u

/* From. RFC 5322 allows many authors; past this count only the number matters. */
#define MOON_FROM_MAX       20u
#define MOON_FROM_DEPTH_MAX 20u /* comments inside comments; people write none or one */

/* Local part of an envelope sender that is looked at for a forwarder's rewriting: SRS makes it
 * longer than the 64 bytes of RFC 5321 section 4.5.3.1.1, above all when it was done twice. */
#define MOON_FORWARDED_LOCAL_MAX 512u

/* DNS. One message of the longest legal SPF tree, 20 signatures and the tree walks needs about 50;
 * a stranger must not make us ask more. */
#define MOON_DNS_QUESTIONS_MAX 60u
#define MOON_DNS_CNAMES_MAX    8u     /* hops; common resolvers allow 8 to 16 */
#define MOON_DNS_RECORDS_MAX   64u    /* kept of one answer; SPF needs 11 MX or PTR */
#define MOON_DNS_ANSWER_MAX    65535u /* a TCP answer's length field */
#define MOON_DNS_EDNS_BYTES    1232u  /* the size that fits every path's MTU */
#define MOON_DNS_MS            10000  /* default deadline of all questions of a message */
#define MOON_DNS_ANSWERS_MAX   256u   /* kept for the record, those refused by the cap included */
#define MOON_DNS_RRS_MAX       4096u  /* of one packet: 65535 bytes hold 5957 of the shortest */
/* Answers that a worker keeps from one message to the next: those of a hundred senders, of 300
 * bytes mostly. The records of a name that is full of TXT records are under 16 KB. */
#define MOON_DNS_KEPT_MAX              1024u
#define MOON_DNS_KEPT_BYTES_MAX        (512u * 1024)
#define MOON_DNS_KEPT_ANSWER_BYTES_MAX (16u * 1024)
#define MOON_DNS_KEPT_S                                                                            \
    60 /* by default at most so long: who changes a record or                                      \
          empties a resolver waits no longer for us */

/* Zone files: for tests and trials, not for serving. */
#define MOON_ZONE_BYTES_MAX   (4u * 1024 * 1024)
#define MOON_ZONE_RECORDS_MAX 20000u
#define MOON_ZONE_ARENA_MAX   (64u * 1024 * 1024)

/* SPF. RFC 7208 sections 4.6.4 and 11.1. */
#define MOON_SPF_TERMS_MAX 10u
#define MOON_SPF_VOIDS_MAX 2u
#define MOON_SPF_MX_MAX    10u
#define MOON_SPF_PTR_MAX   10u
/* Steps of one check that are kept: the limits above allow no more than 44 (spf_trace.c). */
#define MOON_SPF_STEPS_MAX 64u
/* Of one record. A record near this size would hold 800 networks; the longest seen in use have 4 KB
 * (RFC 7208 section 3.4 recommends 450 bytes). */
#define MOON_SPF_RECORD_BYTES_MAX (16u * 1024)
/* Questions that prefetching may start for both identities together: ten terms and the hosts of an
 * mx, with room to spare; the rest of MOON_DNS_QUESTIONS_MAX stays for keys and policies. */
#define MOON_SPF_PREFETCH_MAX    24u
#define MOON_SPF_EXPLANATION_MAX 500u /* what is kept of an explanation: one reply line */

/* DKIM and ARC: the work a stranger may ask of us. */
#define MOON_SIG_MAX             20u
#define MOON_SIG_BYTES_MAX       (16u * 1024)
#define MOON_SIG_TAGS_MAX        40u
#define MOON_SIG_NAMES_MAX       500u
#define MOON_SIG_NAMES_BYTES_MAX 4095u /* libopendkim cuts a longer h= */
#define MOON_SIG_BODIES_MAX      4u    /* distinct body hashes for DKIM, as many for ARC */
#define MOON_KEY_BYTES_MAX       4096u
#define MOON_KEYS_MAX            30u
#define MOON_RSA_BITS_MIN        1024 /* RFC 8301 section 3.2 */
#define MOON_RSA_BITS_MAX        4096
#define MOON_ARC_INSTANCES_MAX   50u /* RFC 8617 section 4.2.1 */
/* Of one ARC-Authentication-Results: large sites write ten results with three properties each. */
#define MOON_ARC_RESULTS_MAX    50u
#define MOON_ARC_PROPERTIES_MAX 20u
#define MOON_ARC_VALUE_MAX      512u /* an address is not longer than 320 */
/* Header bytes gone through for older signatures, whose verdict is a nicety: 50 sets over 300 KB,
 * or 16 over the 1 MB that Exim takes; a quarter of a second. */
#define MOON_ARC_OLDER_BYTES_MAX (16u * 1024 * 1024)
/* Key questions of a chain that go out with the first ones; a chain with more distinct keys asks
 * the rest when SPF, DKIM and DMARC have their answers, so that it cannot use up their questions.
 */
#define MOON_ARC_EARLY_KEYS_MAX 8u

/* DMARC. */
#define MOON_DMARC_RECORD_MAX  4096u
#define MOON_DMARC_QUERIES_MAX 8u  /* RFC 9989 section 4.10 */
#define MOON_DMARC_TAGS_MAX    50u /* 11 are registered; the rest is only shown */
#define MOON_DMARC_WALKS_MAX                                                                       \
    6u /* of identifiers below the Author's Organizational Domain, other                           \
          than the Author Domain; real mail has one or two */

/* Replies and added fields (Exim dies of a field of 32 KB and does not wrap reply lines). */
#define MOON_REPLY_LINES_MAX 5u
#define MOON_REPLY_LINE_MAX  500u
#define MOON_FIELD_BYTES_MAX 8000u
#define MOON_FIELD_LINE_MAX  998u
#define MOON_ADDED_MAX       32u

/* Policies: defaults of the configuration's limits.* keys. */
#define MOON_POLICY_INSTRUCTIONS 10000000L
#define MOON_POLICY_BYTES        (8L * 1024 * 1024)
#define MOON_POLICY_MS           500

/* Sources of policies and of moonscan.lua: people write them by hand; also bounds the compiler's
 * work. Lists are data and may be generated. What a policy may ask of the pattern matcher: subjects
 * are header fields, patterns are written by hand. */
#define MOON_SOURCE_BYTES_MAX  (128u * 1024)
#define MOON_LIST_BYTES_MAX    (1024u * 1024)
#define MOON_LIST_ENTRIES_MAX  10000u
#define MOON_LIST_MEMORY_MAX   (16u * 1024 * 1024) /* what a list of that size can need */
#define MOON_DATA_TEXT_MAX     1000u /* of one text in a data file: shown on a line or in a reply */
#define MOON_PATTERN_BYTES_MAX 1000u
#define MOON_TENANTS_BYTES_MAX (16u * 1024 * 1024) /* tenants.map: 500,000 domains */
/* tenants.lua: one entry of a tenant is written by hand or by a provisioning program; what 10,000
 * of them may need to be read: 30 KB of memory and 50,000 instructions each, a minute in all. */
#define MOON_TENANT_CONF_BYTES_MAX    (64u * 1024)
#define MOON_TENANT_SETTINGS_MAX      200u
#define MOON_TENANT_PARTS_MAX         1000u /* of a list or map among them */
#define MOON_TENANT_FILE_INSTRUCTIONS 500000000L
#define MOON_TENANT_FILE_BYTES        (512L * 1024 * 1024)
#define MOON_TENANT_FILE_MS           60000
/* Compiled policies and parsed lists that a worker keeps from one message to the next: above this
 * it forgets them all. The largest list fits. */
#define MOON_SOURCES_BYTES_MAX (20u * 1024 * 1024)
#define MOON_FACTS_MAX         200u /* names of facts kept with a verdict; there are fewer */

/* What one tenant's decision may ask beyond the message, and of these by DNS; all decisions of a
 * message together ask so much more by DNS than the message itself may, so that a stranger's
 * records cannot use up what a policy needs. The store has so long for one message in all. */
#define MOON_ASKS_MAX             20u
#define MOON_ASKS_DNS_MAX         5u
#define MOON_ASKS_DNS_MESSAGE_MAX 20u
#define MOON_ASKS_DNS_MS          1500 /* or half of the message's time for DNS, if that is more */
#define MOON_ASKS_KEY_BYTES_MAX   256u /* of a key, in the record: a domain fits */
#define MOON_ASKS_STORE_MS        200

/* How long one question to the store may take by default: beyond that nobody should wait who has a
 * client on the line. */
#define MOON_STORE_MS 50

/* The counter store. Below a minute nothing of a mail's way is worth counting. */
#define MOON_STORE_WINDOW_MIN_S    60
#define MOON_STORE_WINDOW_MAX_S    (90L * 86400)
#define MOON_STORE_KEEP_MAX_S      (400L * 86400) /* first times: a year, with a month's grace */
#define MOON_STORE_MISSED_WINDOW_S (7L * 86400)
/* Of a worker: its files, sockets of DNS; the last one is the store's file. */
#define MOON_DESCRIPTORS     64
#define MOON_STORE_FD        (MOON_DESCRIPTORS - 1)
#define MOON_STORE_PAGES_MAX "262144" /* of SQLite's file, 4 KB each: 1 GB, 3 million keys */

/* Tests that a policy brings (policy.tests): written by hand, or by a loop of it. */
#define MOON_TESTS_MAX      2000u
#define MOON_TEST_ITEMS_MAX 200u /* of one list in a test: recipients, fields, signatures */
#define MOON_TEST_BYTES_MAX (64u * 1024 * 1024) /* tests of one policy, as read */
#define MOON_TEST_FILE_MAX  (1024u * 1024)      /* a message or zone beside a policy */
#define MOON_TEST_NOW_S     1767225600L         /* 2026-01-01: the time unless a test says it */

/* Snapshots: 10,000 tenants with a policy each of a few KB are 100 MB; offsets are 32 bits. */
#define MOON_SNAPSHOT_BYTES_MAX   (512u * 1024 * 1024)
#define MOON_SNAPSHOT_RECORDS_MAX 2000000u
#define MOON_SNAPSHOT_KEY_MAX     1024u

/* Items of one list setting. */
#define MOON_CONF_ITEMS_MAX 1000u

/* One record of the decision log: longer ones are cut field by field, never torn. */
#define MOON_RECORD_BYTES_MAX 16384u

#endif
