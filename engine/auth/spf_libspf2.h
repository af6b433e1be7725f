/* SPDX-License-Identifier: MIT
 *
 * spf_libspf2: the walk over the terms, by libspf2. Internal to the SPF files.
 */
#ifndef MOON_AUTH_SPF_LIBSPF2_H
#define MOON_AUTH_SPF_LIBSPF2_H

#include "engine/auth/spf_check.h"

struct moon_spf_walk {
    enum moon_result result;
    const struct moon_spf_term *matched; /* the term of `scope` that decided, or NULL */
    const struct moon_spf_scope *scope;  /* the first record, or the last one redirected to */
    const struct moon_spf_step *steps;   /* also when the check was stopped */
    size_t step_count;
};

/* Evaluates `scope`. Whatever goes wrong is in *check: stopped, or a status. */
void moon_spf_libspf2_walk(struct moon_spf_check *check, const struct moon_spf_scope *scope,
                           struct moon_spf_walk *walk_r);

#endif
