/* SPDX-License-Identifier: MIT
 *
 * dmarc_record: one DMARC Policy Record (RFC 9989 sections 4.7 and 4.8). Strict about the version,
 * lenient behind it: what is ill-formed falls back to its default and is named in `error`.
 */
#ifndef MOON_AUTH_DMARC_RECORD_H
#define MOON_AUTH_DMARC_RECORD_H

#include "engine/auth/results.h"

struct moon_dmarc_record {
    const char *text; /* as published; a tab is a space, other bytes outside
                        printable ASCII are '?' */
    struct moon_dmarc_tag *tags;
    size_t tag_count;
    enum moon_dmarc_policy p, sp, np; /* absent also when ill-formed */
    bool usable;       /* p is valid, sp and np are valid or not there (section 4.10.1) */
    bool reports;      /* rua has at least one valid URI */
    bool testing;      /* t=y */
    char psd;          /* 'y', 'n', 'u' */
    char adkim, aspf;  /* 'r', 's' */
    unsigned pct;      /* of RFC 7489; 100 when absent or ill-formed */
    const char *error; /* what was passed over, or NULL */
};

/* *is_dmarc_r false: no DMARC record at all, to be ignored. MOON_ENOMEM is the only failure. */
enum moon_status moon_dmarc_record_parse(struct moon_arena *arena, struct moon_span text,
                                         struct moon_dmarc_record *record_r, bool *is_dmarc_r);

/* A reporting URI (RFC 9989 section 4.8), its obsolete "!10m" taken off or not: scheme, colon, and
 * only characters of RFC 3986; mailto needs an address with a domain. */
bool moon_dmarc_uri_valid(struct moon_span uri);

#endif
