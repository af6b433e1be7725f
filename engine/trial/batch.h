/* SPDX-License-Identifier: MIT
 *
 * batch: all tests of a policy, or of all policies of a snapshot, one after the other.
 */
#ifndef MOON_TRIAL_BATCH_H
#define MOON_TRIAL_BATCH_H

#include "engine/trial/coverage.h"
#include "engine/trial/run.h"

/* One test, or (`test` NULL) a policy whose tests could not be read or not all be run. */
struct moon_trial_told {
    const char *path;
    const struct moon_test *test;
    const char *mistake; /* "file:line: what"; NULL: it was run */
    const struct moon_trial_result *result;
    bool passed;
};

struct moon_trial_batch {
    const struct moon_trial *trial;
    struct moon_arena *arena;                                        /* of the whole run */
    void (*tell)(void *context, const struct moon_trial_told *told); /* valid during the call */
    void *context;
    struct moon_coverage *coverage; /* or NULL */
    int64_t policy_ms;              /* for the tests of one policy */
    size_t test_count, failed_count;
};

/* The tests of the policy at `path`, whose tenant is `tenant` ("": none). MOON_ENOMEM is the only
 * failure; all else is told. */
enum moon_status moon_trial_policy(struct moon_trial_batch *batch, const char *path,
                                   const char *tenant);
/* The tests of every policy of the snapshot, in the order of their paths. */
enum moon_status moon_trial_policies(struct moon_trial_batch *batch);
/* The tenant whose policy that is, in the arena; "": none (the site's). NULL without memory. */
const char *moon_trial_tenant_of(const struct moon_snapshot *snapshot, struct moon_arena *arena,
                                 const char *path);

#endif
