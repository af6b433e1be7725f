/* SPDX-License-Identifier: MIT
 *
 * kept: answers that outlive their message, for the messages after it. Only what a server has said
 * in answer to our own question is kept, as long as it allows and never longer than the bound; in
 * bounded room. Used inside engine/dns only.
 */
#ifndef MOON_DNS_KEPT_H
#define MOON_DNS_KEPT_H

#include "engine/dns/backend.h"

struct moon_dns_kept;

/* `seconds_max` at least 1. NULL without memory. */
struct moon_dns_kept *moon_dns_kept_create(int64_t seconds_max);
void moon_dns_kept_destroy(struct moon_dns_kept **kept);
/* Forgets all. */
void moon_dns_kept_empty(struct moon_dns_kept *kept);

/* Keeps a copy of `answer` for `ttl_s` seconds from `now_ms` on (moon_clock_ms), in the place of
 * one to the same question. `questions`: sent to learn it. Trouble, odd answers, those with a TTL
 * of 0 and those that are too large are not kept. */
void moon_dns_kept_put(struct moon_dns_kept *kept, const struct moon_dns_wire *name,
                       const struct moon_dns_answer *answer, uint32_t ttl_s, unsigned questions,
                       int64_t now_ms);
/* What is kept in answer to `name` and answer_r->type: sets state, records, count and more, which
 * are copied to the arena. False: nothing, or no memory. */
bool moon_dns_kept_get(const struct moon_dns_kept *kept, const struct moon_dns_wire *name,
                       int64_t now_ms, struct moon_arena *arena, struct moon_dns_answer *answer_r,
                       unsigned *questions_r);

/* What is there, expired answers included. */
struct moon_dns_kept_size {
    size_t count, bytes;
};
struct moon_dns_kept_size moon_dns_kept_size(const struct moon_dns_kept *kept);

#endif
