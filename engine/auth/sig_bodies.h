/* SPDX-License-Identifier: MIT
 *
 * sig_bodies: the body hashes that a message's signatures are compared with (RFC 6376 section 3.7),
 * for DKIM and ARC alike. A hash is of a canonicalization and a length (l=); each is made once,
 * however many signatures share it, and all of them in one pass over the body.
 */
#ifndef MOON_AUTH_SIG_BODIES_H
#define MOON_AUTH_SIG_BODIES_H

#include "engine/auth/sig.h"
#include "engine/auth/sig_digest.h"
#include "engine/message/body.h"

struct moon_sig_body_hash {
    enum moon_sig_canon canon;
    int64_t length;      /* l=, or -1: the whole body */
    int64_t total_bytes; /* once made: of the whole canonical body, whatever the length */
    bool needed, made;
    bool by_kind[2]; /* who wants it: MOON_SIG_KIND_DKIM, MOON_SIG_KIND_ARC_MESSAGE */
    unsigned char bytes[MOON_SIG_DIGEST_BYTES]; /* once made */
};

/* In the arena; NULL without memory. `body` must live as long. */
struct moon_sig_bodies;
struct moon_sig_bodies *moon_sig_bodies_of(struct moon_arena *arena, const struct moon_body *body);

/* Which hash is that of `sig` (no seal). False when it would be one more than MOON_SIG_BODIES_MAX
 * for the signatures of its kind. Nothing is made yet. */
bool moon_sig_bodies_want(struct moon_sig_bodies *bodies, const struct moon_sig *sig,
                          struct moon_sig_body_hash **hash_r);
/* The hash shall be made, the next time the body is read. */
void moon_sig_bodies_need(struct moon_sig_body_hash *hash);
/* Reads the body, if a hash is needed that is not made yet. MOON_ENOMEM, also when a hash could not
 * be made; MOON_EIO when the body cannot be read. */
enum moon_status moon_sig_bodies_make(struct moon_sig_bodies *bodies);

/* Is bh= this hash? Once made, for a signature that is not refused. */
bool moon_sig_body_is_signed(const struct moon_sig_body_hash *hash, const struct moon_sig *sig);

#endif
