/* SPDX-License-Identifier: MIT
 *
 * dmarc_parked: does the Author Domain say that it sends and receives no mail at all?
 */
#ifndef MOON_AUTH_DMARC_PARKED_H
#define MOON_AUTH_DMARC_PARKED_H

#include "engine/auth/results.h"

/* The pattern of a parked domain: reject is published for the Author Domain, its SPF record is
 * "v=spf1 -all", and its MX is null (RFC 7505 section 3).
 *
 * It matters only where DMARC fails under a published reject; elsewhere nothing is asked, and the
 * answer is no (unknown when DMARC itself has a temporary error). There the SPF record is mostly
 * known already, for the Tree Walk asks whether the Author Domain exists, and the MX is asked only
 * below a record that allows nobody. */

/* Call it behind moon_dmarc_evaluate: starts what has to be asked, without waiting. */
void moon_dmarc_parked_start(struct moon_arena *arena, struct moon_dns *dns,
                             const struct moon_results *results);
/* Sets results->dmarc.parked: unknown when DNS gives no answer while at least half of the message's
 * time is left. MOON_ENOMEM is the only failure. */
enum moon_status moon_dmarc_parked(struct moon_arena *arena, struct moon_dns *dns,
                                   struct moon_results *results);

#endif
