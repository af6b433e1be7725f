/* SPDX-License-Identifier: MIT
 *
 * arc: validation of an Authenticated Received Chain (RFC 8617 section 5.2) on the signature core
 * that DKIM shares. ARC never changes the result of DMARC: a policy may know better than the
 * owner's wish (RFC 8617 section 7.2.1, arc_trust.c), and then says so.
 */
#ifndef MOON_AUTH_ARC_H
#define MOON_AUTH_ARC_H

#include "engine/auth/results.h"
#include "engine/auth/sig_bodies.h"

/* Step 1, before any waiting: sorts the fields, checks the structure, starts the questions for
 * keys, says which hashes of the body it needs (`bodies` are those of the message). The state is in
 * the arena. MOON_ENOMEM is the only failure. */
struct moon_arc_check;
enum moon_status moon_arc_begin(struct moon_arena *arena, struct moon_dns *dns,
                                const struct moon_message *msg, struct moon_sig_bodies *bodies,
                                struct moon_arc_check **check_r);
/* Step 2: waits for the keys, reads the body if a hash is needed that is not made, fills *arc_r.
 * Call it last of all methods: a long chain asks the rest of its keys here. MOON_ENOMEM; MOON_EIO
 * when the body cannot be read. */
enum moon_status moon_arc_finish(struct moon_arc_check *check, struct moon_arc *arc_r);

#endif
