/* SPDX-License-Identifier: MIT
 *
 * sig_hash: which header fields a signature covers, and the hashes over header and body (RFC 6376
 * sections 3.7 and 5.4.2).
 */
#ifndef MOON_AUTH_SIG_HASH_H
#define MOON_AUTH_SIG_HASH_H

#include "engine/auth/sig.h"
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

/* SHA-256 as a place for canonical bytes. Heap of OpenSSL's: end it with moon_sig_digest_end. */
struct moon_sig_digest {
    void *context; /* EVP_MD_CTX */
    bool failed;
    size_t staged;
    char stage[4096]; /* short runs are collected: each call of OpenSSL's has its price */
};
void moon_sig_digest_begin(struct moon_sig_digest *digest);
/* A moon_sig_emit; `digest` is a struct moon_sig_digest. */
void moon_sig_digest_add(void *digest, const char *p, size_t n);
/* *copy_r goes on from where `digest` is. */
void moon_sig_digest_fork(struct moon_sig_digest *digest, struct moon_sig_digest *copy_r);
/* Writes the hash; frees. False when OpenSSL failed at any time. */
bool moon_sig_digest_end(struct moon_sig_digest *digest, unsigned char out[MOON_SIG_DIGEST_BYTES]);

/* Hash over the fields of h= and the signature's own field without b=. */
enum moon_status moon_sig_header_hash(struct moon_arena *arena,
                                      const struct moon_sig_fields *fields,
                                      const struct moon_sig *sig,
                                      unsigned char out[MOON_SIG_DIGEST_BYTES]);

/* The distinct body hashes that a message's signatures need; at most MOON_SIG_BODIES_MAX. Begin,
 * want for each signature, add each chunk once, end: then hash and size can be had. */
struct moon_sig_bodies {
    struct {
        struct moon_sig_body body;
        struct moon_sig_digest *digest; /* NULL: only counted, or known */
        bool known;                     /* hash was told, and not made */
        unsigned char hash[MOON_SIG_DIGEST_BYTES];
    } items[MOON_SIG_BODIES_MAX];
    size_t count;
    const unsigned char *known[2]; /* by canonicalization; NULL: not known */
};
void moon_sig_bodies_begin(struct moon_sig_bodies *bodies);
/* After begin, before want: the hash of the whole body, which someone has verified and who wants
 * that canonicalization shall not make again. `hash` must live on; NULL does nothing. */
void moon_sig_bodies_know(struct moon_sig_bodies *bodies, enum moon_sig_canon canon,
                          const unsigned char *hash);
/* *index_r: which item serves (canonicalization, length). MOON_EBUDGET when there are too many
 * distinct ones; MOON_ENOMEM. Without `with_hash` the bytes are only counted, and only if
 * there is a length. */
enum moon_status moon_sig_bodies_want(struct moon_arena *arena, struct moon_sig_bodies *bodies,
                                      enum moon_sig_canon canon, int64_t length, bool with_hash,
                                      size_t *index_r);
/* Has the body to be read at all? */
bool moon_sig_bodies_open(const struct moon_sig_bodies *bodies);
void moon_sig_bodies_add(struct moon_sig_bodies *bodies, struct moon_span chunk);
/* Always call it. MOON_ENOMEM when a hash could not be made. */
enum moon_status moon_sig_bodies_end(struct moon_sig_bodies *bodies);

/* The last step, for a signature that is not refused: pass or fail (reason in sig), or permerror
 * when l= is larger than the body. `index` is what moon_sig_bodies_want gave. */
enum moon_status moon_sig_verify(struct moon_arena *arena, struct moon_sig *sig,
                                 const struct moon_sig_key *key,
                                 const struct moon_sig_fields *fields,
                                 const struct moon_sig_bodies *bodies, size_t index);

#endif
