/* SPDX-License-Identifier: MIT
 *
 * origin: what a message says of the mailing list or the forwarder that it comes from, and how much
 * of it is proved.
 */
#ifndef MOON_AUTH_ORIGIN_H
#define MOON_AUTH_ORIGIN_H

#include "engine/auth/results.h"

/* Fills results->list and results->forwarding; SPF and DKIM are there already.
 *
 * A List-Id is verified when a passing DKIM signature or a passing SPF check is of a domain that
 * owns it: the id is that domain or below it; or the part of the id behind its first dot and that
 * domain have the same Organizational Domain by the Public Suffix List (no DNS is asked for lists;
 * without a Public Suffix List only the first holds). A message with several List-Id fields has
 * none that is verified.
 *
 * Forwarding is verified when SPF passes for the domain of the envelope sender that says so.
 * MOON_ENOMEM is the only failure. */
enum moon_status moon_origin_evaluate(struct moon_arena *arena, const struct moon_message *msg,
                                      struct moon_results *results);

#endif
