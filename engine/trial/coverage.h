/* SPDX-License-Identifier: MIT
 *
 * coverage: which rules of the policies were decided by a test, and which never. A rule is one of
 * lua/rules.h, named by file and line as in the decision log.
 */
#ifndef MOON_TRIAL_COVERAGE_H
#define MOON_TRIAL_COVERAGE_H

#include "engine/base/arena.h"
#include "engine/base/status.h"

struct moon_covered {
    const char *path;
    int line;
    struct moon_span verdict; /* the word of the constructor */
    unsigned count;           /* tests that it decided */
};

/* Zeroed but for the arena: nothing is known. */
struct moon_coverage {
    struct moon_arena *arena;
    struct moon_covered *rule;
    size_t count, recent;
};

/* The rules of a policy; its path and source must live as long as the arena. MOON_ENOMEM. */
enum moon_status moon_coverage_add(struct moon_coverage *coverage, const char *path,
                                   struct moon_span source);
/* A test was decided at "path:line"; elsewhere than at a rule: nothing is counted. */
void moon_coverage_decided(struct moon_coverage *coverage, const char *rule);
size_t moon_coverage_missing(const struct moon_coverage *coverage);

#endif
