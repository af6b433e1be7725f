/* SPDX-License-Identifier: MIT
 *
 * spf_random: SPF checks made at random from a seed: records that include and redirect to one
 * another, mx, ptr, exists with macros, exp, limits, DNS trouble, IPv4 and IPv6, senders of every
 * kind. The same seed gives the same checks on every machine.
 */
#ifndef MOON_TESTS_SPF_RANDOM_H
#define MOON_TESTS_SPF_RANDOM_H

#include <stdint.h>

#include "engine/auth/spf.h"

struct moon_spf_random {
    uint32_t seed; /* not 0; changes with each draw */
    char zone[32768];
    struct moon_spf_query query;
};

/* The next check. */
void moon_spf_random_next(struct moon_spf_random *random);

enum moon_spf_random_by {
    MOON_SPF_RANDOM_BY_PRODUCTION,
    MOON_SPF_RANDOM_BY_PREFETCH, /* the same, with questions asked ahead */
    MOON_SPF_RANDOM_BY_ORACLE,
};
/* Runs it: everything that a result tells, in one line; `questions` adds how many were asked, which
 * differs by nature with prefetching. */
void moon_spf_random_say(const struct moon_spf_random *random, enum moon_spf_random_by by,
                         bool questions, char *line_r, size_t size);

#endif
