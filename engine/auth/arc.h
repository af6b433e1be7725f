/* SPDX-License-Identifier: MIT
 *
 * arc: RFC 8617. This version finds, parses and counts the fields; it does not verify the chain,
 * and says so (`verified` false), so that nothing can trust it by mistake.
 */
#ifndef MOON_AUTH_ARC_H
#define MOON_AUTH_ARC_H

#include "engine/auth/results.h"

/* MOON_ENOMEM is the only failure. */
enum moon_status moon_arc_survey(struct moon_arena *arena, const struct moon_message *msg,
                                 struct moon_arc *arc_r);

#endif
