/* SPDX-License-Identifier: MIT
 *
 * dmarc: RFC 9989 with the DNS Tree Walk, or RFC 7489 with the Public Suffix List (libpsl).
 */
#ifndef MOON_AUTH_DMARC_H
#define MOON_AUTH_DMARC_H

#include "engine/auth/results.h"

/* Starts the questions of the Author Domain's walk, and whether it exists (for np). */
void moon_dmarc_prefetch(struct moon_dns *dns, const struct moon_from *from,
                         enum moon_dmarc_discovery discovery);
/* Starts what the walk of an identifier will ask beyond that, if it may turn out aligned: call it
 * for domains known before their check is done, such as that of MAIL FROM. `domain` is normalized,
 * or NULL: nothing to do. */
void moon_dmarc_prefetch_identifier(struct moon_dns *dns, const struct moon_from *from,
                                    enum moon_dmarc_discovery discovery, const char *domain);

/* Reads results->from, spf and dkim; fills results->dmarc and the `aligned` of spf and of each
 * signature. MOON_ENOMEM is the only failure: DNS trouble is a result. `pct_draw` (0..99) decides
 * sampling in PSL mode; it is drawn by the caller from the message, so that a replay agrees. */
enum moon_status moon_dmarc_evaluate(struct moon_arena *arena, struct moon_dns *dns,
                                     enum moon_dmarc_discovery discovery, unsigned pct_draw,
                                     struct moon_results *results);

/* The same message by another discovery, beside what moon_dmarc_evaluate has filled: sets
 * results->dmarc_other and nothing else. MOON_ENOMEM is the only failure. */
enum moon_status moon_dmarc_compare(struct moon_arena *arena, struct moon_dns *dns,
                                    enum moon_dmarc_discovery discovery, unsigned pct_draw,
                                    struct moon_results *results);

#endif
