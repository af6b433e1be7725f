/* SPDX-License-Identifier: MIT
 *
 * sig_hash: which header fields a signature covers, and the hash over them (RFC 6376 sections 3.7
 * and 5.4.2).
 */
#ifndef MOON_AUTH_SIG_HASH_H
#define MOON_AUTH_SIG_HASH_H

#include "engine/auth/sig.h"
#include "engine/auth/sig_bodies.h"
#include "engine/auth/sig_key.h"
#include "engine/message/message.h"

/* The message's fields sorted by name, for many lookups. In the arena; NULL without memory. */
struct moon_sig_fields;
const struct moon_sig_fields *moon_sig_fields_of(struct moon_arena *arena,
                                                 const struct moon_message *msg);
/* The field that an element of h= stands for: occurrence 0 is the lowest of the name in the
 * message, 1 the one above it, and so on; `own`, the signature's own field, is passed over (may be
 * NULL). NULL when there are not so many. */
const struct moon_field *moon_sig_fields_pick(const struct moon_sig_fields *fields,
                                              struct moon_sig_name name,
                                              const struct moon_field *own);

/* Hash over the fields of h= and the signature's own field without b=. */
enum moon_status moon_sig_header_hash(struct moon_arena *arena,
                                      const struct moon_sig_fields *fields,
                                      const struct moon_sig *sig,
                                      unsigned char out[MOON_SIG_DIGEST_BYTES]);

/* The last step, for a signature that is not refused: pass or fail (reason in sig), or permerror
 * when l= is larger than the body. `body` is what moon_sig_bodies_want gave, and made. */
enum moon_status moon_sig_verify(struct moon_arena *arena, struct moon_sig *sig,
                                 const struct moon_sig_key *key,
                                 const struct moon_sig_fields *fields,
                                 const struct moon_sig_body_hash *body);

#endif
