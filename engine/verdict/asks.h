/* SPDX-License-Identifier: MIT
 *
 * asks: whatever a policy asks beyond the message: counts, first times, DNS. Each question of a
 * tenant's decision is counted, bounded and kept in order with its answer, so that the decision can
 * be explained from its record and reached again from it. No answer is an answer too: store down,
 * budget spent, nothing to ask. It never makes a policy fail and never stops mail.
 *
 * The spaces of keys: each tenant has one, the site's own policy has one, and the engine has its
 * own, which only C code reaches. Nobody can read or change a count in another's.
 */
#ifndef MOON_VERDICT_ASKS_H
#define MOON_VERDICT_ASKS_H

#include "engine/dns/dns.h"

struct moon_store;
struct moon_message;

/* What the decisions of one message share, and one tenant's questions. Both in the arena. */
struct moon_asks_shared;
struct moon_asks;

/* `dns` and `store` may be NULL: then there is nothing to ask. A message with dry_run (-bh, check)
 * changes nothing in the store: its questions are answered as if they had. NULL without memory. */
struct moon_asks_shared *moon_asks_share(struct moon_arena *arena, const struct moon_message *msg,
                                         struct moon_dns *dns, struct moon_store *store);
/* For one tenant's decision; `tenant` "": no tenant. NULL without memory. */
struct moon_asks *moon_asks_begin(struct moon_asks_shared *shared, const char *tenant);
/* It has until then, on moon_clock_ms; until this is said, as long as its questions may take. */
void moon_asks_until(struct moon_asks *asks, int64_t end_ms);
/* From now on the store is only looked at, and answers as if it had been written (a shadow policy).
 */
void moon_asks_pretend(struct moon_asks *asks);
/* From now on a question that `other` had an answer to has the same answer, and is not asked (or
 * counted) again: both are versions of one decision. */
void moon_asks_like(struct moon_asks *asks, const struct moon_asks *other);
/* Whose policy runs now: the site's, or the tenant's (so it begins). */
void moon_asks_enter(struct moon_asks *asks, bool site);

/* In all of these `asks` may be NULL: no answer. False or NULL: there is no answer, and the record
 * says why. Keys are any bytes. Waiting is bounded: for the store by MOON_ASKS_STORE_MS of all
 * decisions together; for DNS by moon_dns_extra_ms of each decision; and by moon_asks_until. */

/* *count_r: what was counted under this key in the last window_s seconds (engine/store/store.h says
 * how exactly), with `add` of now. `add` 0 only looks. */
bool moon_asks_count(struct moon_asks *asks, struct moon_span key, int64_t window_s, int64_t add,
                     int64_t *count_r);
/* *first_s_r: seconds since 1970 when this key was first seen, now for a new one. It is forgotten
 * when it was not seen for keep_s. With `look_only` nothing is noted, and -1 is: never. */
bool moon_asks_first_seen(struct moon_asks *asks, struct moon_span key, int64_t keep_s,
                          bool look_only, int64_t *first_s_r);
/* The answer, never PENDING, kept with the message; NULL: the budget is spent. Trouble is an
 * answer. */
const struct moon_dns_answer *moon_asks_dns(struct moon_asks *asks, const char *name,
                                            enum moon_dns_type type);

/* The same in a space of the engine named by the constant `space` ("volume"). What several tenants'
 * decisions ask of it for one message is asked of the store once: a message counts once. */
bool moon_asks_engine_count(struct moon_asks *asks, const char *space, struct moon_span key,
                            int64_t window_s, int64_t add, int64_t *count_r);
bool moon_asks_engine_first_seen(struct moon_asks *asks, const char *space, struct moon_span key,
                                 int64_t keep_s, bool look_only, int64_t *first_s_r);

/* One question as it is kept. */
enum moon_asked_kind { MOON_ASKED_COUNT, MOON_ASKED_FIRST_SEEN, MOON_ASKED_DNS };
struct moon_asked {
    enum moon_asked_kind kind;
    const char *key;   /* cut to MOON_ASKS_KEY_BYTES_MAX; DNS: the name */
    const char *space; /* of the engine, "site", or NULL: the tenant's own */
    int64_t span_s;    /* window, or how long it is kept */
    int64_t add;       /* 0: only looked */
    bool pretended;    /* nothing was written */
    bool answered;     /* `value` counts */
    int64_t value;     /* the count; seconds since the first time, -1: never */
    enum moon_dns_type type;
    const struct moon_dns_answer *dns; /* or NULL */
    const char *why;                   /* no answer */
};
/* In order; NULL after the last. `asks` may be NULL. */
const struct moon_asked *moon_asks_each(const struct moon_asks *asks, size_t index);
/* Questions above the limit, which were not asked and are not kept. */
size_t moon_asks_refused(const struct moon_asks *asks);

#endif
