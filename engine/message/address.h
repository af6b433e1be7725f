/* SPDX-License-Identifier: MIT
 *
 * address: who wrote the message (RFC 5322 section 3.4, From) and envelope addresses.
 */
#ifndef MOON_MESSAGE_ADDRESS_H
#define MOON_MESSAGE_ADDRESS_H

#include "engine/message/message.h"

struct moon_author {
    const char *address;      /* local@domain as written, comments and folds removed */
    const char *domain;       /* normalized; NULL when it is no domain name (then see reason) */
    const char *display_name; /* decoded is not needed here: as written, unquoted; "" when none */
};

/* All authors of all From fields that are delivered. */
struct moon_from {
    struct moon_author *authors;
    size_t count;       /* mailboxes found (may exceed the kept MOON_FROM_MAX) */
    size_t kept;        /* entries of `authors` */
    size_t field_count; /* From fields */
    bool ambiguous;     /* not exactly one field with exactly one mailbox of one clean domain */
    const char *reason; /* why, or NULL */
    /* The Author Domain of RFC 9989 section 3.2.2: set when all authors share one domain and
     * nothing is ill-formed; else NULL. */
    const char *domain;
};

/* Strict: what RFC 5322 does not allow makes the result ambiguous with a reason, never a guess.
 * MOON_ENOMEM is the only failure. */
enum moon_status moon_from_parse(struct moon_arena *arena, const struct moon_message *msg,
                                 struct moon_from *from_r);

/* Splits an envelope address at its last '@' (RFC 7208 section 4.3). local is "" and domain NULL
 * when there is none. domain is normalized, or NULL when it is no domain name. */
enum moon_status moon_path_split(struct moon_arena *arena, const char *path, const char **local_r,
                                 const char **domain_r);

#endif
