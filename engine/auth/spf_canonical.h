/* SPDX-License-Identifier: MIT
 *
 * spf_canonical: the records that libspf2 is given instead of the published ones, and the tokens
 * that stand for names in them. Internal to the SPF files.
 */
#ifndef MOON_AUTH_SPF_CANONICAL_H
#define MOON_AUTH_SPF_CANONICAL_H

#include "engine/auth/spf_check.h"

/* Eleven terms and a final one in each of at most eleven records, ten hosts for each of ten mx. */
#define MOON_SPF_TOKENS_MAX  256
#define MOON_SPF_TOKEN_BYTES 16 /* "t255.x" and its end, with room */

enum moon_spf_token_kind {
    MOON_SPF_TOKEN_TERM, /* to be asked about */
    MOON_SPF_TOKEN_YES,  /* known to match */
    MOON_SPF_TOKEN_MUTE, /* counts, never matches */
    MOON_SPF_TOKEN_HOST, /* one host of an mx */
};

struct moon_spf_token {
    enum moon_spf_token_kind kind;
    const struct moon_spf_term *term;
    const struct moon_spf_scope *scope;
    const char *host; /* of MOON_SPF_TOKEN_HOST */
};

struct moon_spf_tokens {
    struct moon_spf_token items[MOON_SPF_TOKENS_MAX];
    size_t count;
};

/* Writes the name of a new token; false when there are too many, which the limits exclude: then the
 * check has failed. */
bool moon_spf_token_new(struct moon_spf_check *check, struct moon_spf_tokens *tokens,
                        struct moon_spf_token token, char name_r[MOON_SPF_TOKEN_BYTES]);
/* NULL: no such token. */
struct moon_spf_token *moon_spf_token_find(struct moon_spf_tokens *tokens, const char *name);

/* The prefix length of an a or mx that counts for this client. */
unsigned moon_spf_term_bits(const struct moon_spf_term *term, const struct moon_ip *client);

/* The canonical record of a scope, in the arena; NULL when the check has failed. */
const char *moon_spf_canonical(struct moon_spf_check *check, struct moon_spf_tokens *tokens,
                               const struct moon_spf_scope *scope);

#endif
