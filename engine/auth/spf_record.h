/* SPDX-License-Identifier: MIT
 *
 * spf_record: the grammar of SPF records (RFC 7208 sections 4.5, 4.6.1 and 12), strictly: what does
 * not parse is a permerror, and nothing else of this room looks at a record's bytes. Internal to
 * the SPF files and dmarc_parked.c.
 */
#ifndef MOON_AUTH_SPF_RECORD_H
#define MOON_AUTH_SPF_RECORD_H

#include "engine/auth/results.h"

enum moon_spf_kind {
    MOON_SPF_KIND_ALL,
    MOON_SPF_KIND_INCLUDE,
    MOON_SPF_KIND_A,
    MOON_SPF_KIND_MX,
    MOON_SPF_KIND_PTR,
    MOON_SPF_KIND_IP4,
    MOON_SPF_KIND_IP6,
    MOON_SPF_KIND_EXISTS,
    MOON_SPF_KIND_REDIRECT,
    MOON_SPF_KIND_EXP,
};

struct moon_spf_term {
    enum moon_spf_kind kind;
    enum moon_result qualifier; /* pass, fail, softfail or neutral; of a mechanism */
    struct moon_span text;      /* as published */
    struct moon_span domain;    /* domain-spec with its macros; empty: the current domain */
    struct moon_ip ip;          /* ip4, ip6; an IPv4-mapped network of ip6 stays family 6 */
    unsigned bits4, bits6;      /* prefix lengths; 32 and 128 when not given */
};

struct moon_spf_record {
    struct moon_span text;
    struct moon_spf_term *mechanisms; /* in order */
    size_t count;
    bool has_redirect, has_exp;
    struct moon_spf_term redirect, exp;
};

/* Is this TXT record one of SPF: "v=spf1", then a space or the end (RFC 7208 section 4.5)? */
bool moon_spf_record_is(struct moon_span text);

/* `text` must outlive the record. Errors of syntax are no status: *reason_r is then a text in the
 * arena (else NULL), and the result of the check is permerror. MOON_ENOMEM is the only failure. */
enum moon_status moon_spf_record_parse(struct moon_arena *arena, struct moon_span text,
                                       struct moon_spf_record *record_r, const char **reason_r);

/* Does evaluating it cost one of the ten terms of RFC 7208 section 4.6.4? */
bool moon_spf_term_asks_dns(const struct moon_spf_term *term);
/* ip4 and ip6: is the client inside? */
bool moon_spf_term_has_ip(const struct moon_spf_term *term, const struct moon_ip *client);

#endif
