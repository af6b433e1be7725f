/* SPDX-License-Identifier: MIT
 *
 * spf_walker: check_host() of RFC 7208 as a plain loop over the terms, on the same parts as the
 * real one: an oracle for the walk by libspf2, its hooks and its tokens.
 */
#ifndef MOON_TESTS_SPF_WALKER_H
#define MOON_TESTS_SPF_WALKER_H

#include "engine/auth/spf.h"

/* Like moon_spf_check_mail_from; fills result, matched, lookups, voids, reason and explanation. */
enum moon_status moon_spf_walker_check(struct moon_arena *arena, struct moon_dns *dns,
                                       const struct moon_spf_query *query, struct moon_spf *spf_r);

#endif
