/* SPDX-License-Identifier: MIT
 *
 * arc_aar: reads an ARC-Authentication-Results field (RFC 8617 section 4.1.1, RFC 8601 section
 * 2.2).
 */
#ifndef MOON_AUTH_ARC_AAR_H
#define MOON_AUTH_ARC_AAR_H

#include "engine/auth/results.h"
#include "engine/base/buf.h"

struct moon_aar {
    unsigned instance;       /* 0: it does not begin with "i=N;", N from 1 to 50 */
    const char *authserv_id; /* NULL when it cannot be told; then there are no results */
    struct moon_arc_result *results;
    size_t result_count;
};

/* A result that is not well-formed from its method to its semicolon is left out as a whole: nothing
 * is guessed. At most MOON_ARC_RESULTS_MAX are looked at, and none in a field of more than
 * MOON_SIG_BYTES_MAX. MOON_ENOMEM is the only failure. */
enum moon_status moon_aar_parse(struct moon_arena *arena, struct moon_span value,
                                struct moon_aar *aar_r);

#endif
