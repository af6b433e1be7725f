/* SPDX-License-Identifier: MIT
 *
 * tap: tests of policies told as TAP 14: a line a test, for one that failed what was wanted and
 * got, and how the engine came to it; at the end the plan and which rules no test decides.
 */
#ifndef MOON_TRIAL_TAP_H
#define MOON_TRIAL_TAP_H

#include <stdio.h>

#include "engine/trial/batch.h"

struct moon_tap {
    FILE *to;
    const char *prefix; /* in front of paths: "policies/university/" */
    size_t number, failed;
};

void moon_tap_begin(struct moon_tap *tap);
/* A batch's `tell`; the context is the tap. */
void moon_tap_test(void *tap, const struct moon_trial_told *told);
/* A mistake in a policy's source, "path:line: what": a failed case. */
void moon_tap_finding(struct moon_tap *tap, const char *path, const char *finding);
/* The table of rules as comments. With `all_rules` a rule that no test decided is a failed case. */
void moon_tap_rules(struct moon_tap *tap, const struct moon_coverage *coverage, bool all_rules);
void moon_tap_end(struct moon_tap *tap);

/* A failed test in one line: "tenants/acme.lua:34: test 'x': verdict: want accept, got reject". */
void moon_tap_line(FILE *to, const struct moon_trial_told *told);

#endif
