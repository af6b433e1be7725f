/* SPDX-License-Identifier: MIT
 *
 * run: one test of a policy through moon_scan, as a message of Exim's would go through it, with the
 * test's zone in the place of DNS; and what came out against what the test expects.
 */
#ifndef MOON_TRIAL_RUN_H
#define MOON_TRIAL_RUN_H

#include "engine/verdict/scan.h"
#include "lua/tests.h"

/* A file beside a policy that its tests name; `path` as the snapshot would name it. */
struct moon_trial_file {
    const char *path;
    struct moon_span text;
};

struct moon_trial_keys;

/* What all tests of one run share. Borrowed. */
struct moon_trial {
    const struct moon_conf *conf;
    const struct moon_snapshot *snapshot;
    struct moon_policies *policies;
    const struct moon_trial_keys *keys;
    const struct moon_trial_file *files;
    size_t file_count;
};

struct moon_trial_difference {
    const char *what, *want, *got;
};

struct moon_trial_result {
    const char *mistake; /* the test could not be run: why, without the place; or NULL */
    struct moon_trial_difference *differences;
    size_t difference_count;
    struct moon_outcome outcome;        /* ended; unset after a mistake */
    const struct moon_verdict *verdict; /* of the tenant that the test is about; or NULL */
};

/* `path` is the policy's, whose tenant is `tenant` ("": none). The result lives in the arena.
 * MOON_ENOMEM is the only failure: the machine has no memory, or the arena's cap is reached. */
enum moon_status moon_trial_test(const struct moon_trial *trial, struct moon_arena *arena,
                                 const char *path, const char *tenant, const struct moon_test *test,
                                 struct moon_trial_result *result_r);

/* Used by run: notes in result->differences where the outcome is not what is expected, or in
 * result->mistake an expectation that no outcome can have. MOON_ENOMEM. */
enum moon_status moon_trial_compare(struct moon_arena *arena, const struct moon_test_expect *expect,
                                    struct moon_trial_result *result);

#endif
