/* SPDX-License-Identifier: MIT
 *
 * dkim: RFC 6376 (with 8301, 8463, 8616) on libopendkim, behind a gate: our parsers decide what is
 * a signature and a key; libopendkim sees only signatures that passed, only fields they name behind
 * a sentinel field, and only key records that we wrote ourselves. It never sees the body: that is
 * hashed once by us, for DKIM and ARC. What it would misread (among others 8-bit tags, "b =",
 * DKIM-Signature in h=) is verified by the signature core instead.
 */
#ifndef MOON_AUTH_DKIM_H
#define MOON_AUTH_DKIM_H

#include "engine/auth/results.h"
#include "engine/auth/sig_bodies.h"

/* Step 1, before any waiting: parses every DKIM-Signature field and starts the key questions. The
 * state is in the arena. `bodies` are those of the message. */
struct moon_dkim_check;
enum moon_status moon_dkim_begin(struct moon_arena *arena, struct moon_dns *dns,
                                 const struct moon_message *msg, struct moon_sig_bodies *bodies,
                                 struct moon_dkim_check **check_r);
/* The domain (d=) of the i-th signature that may still pass, for whoever can foresee questions from
 * it; NULL for one that cannot. i counts below MOON_SIG_MAX. */
const char *moon_dkim_candidate(const struct moon_dkim_check *check, size_t i);
/* Step 2: waits for the keys, reads the body if need be, fills *dkim_r (but for `aligned`, which
 * DMARC sets). MOON_ENOMEM; MOON_EIO when the body cannot be read. */
enum moon_status moon_dkim_finish(struct moon_dkim_check *check, struct moon_dkim *dkim_r);

#endif
