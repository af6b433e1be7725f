/* SPDX-License-Identifier: MIT
 *
 * sig_key: key records (RFC 6376 section 3.6.1, RFC 8301, RFC 8463) and the public keys in them.
 * SPKI and RSAPublicKey are unwrapped here by hand: no raw record reaches a library.
 */
#ifndef MOON_AUTH_SIG_KEY_H
#define MOON_AUTH_SIG_KEY_H

#include "engine/auth/results.h"
#include "engine/auth/sig.h"

struct moon_sig_key {
    enum moon_result result;          /* NONE: usable; else why not */
    const char *reason;               /* goes with `result`; "" */
    enum moon_sig_algorithm for_only; /* the one algorithm it fits */
    unsigned bits;                    /* exact size of the modulus; 256 for Ed25519 */
    struct moon_span public_key;      /* RSAPublicKey in DER, or the 32 bytes of Ed25519 */
    bool testing;                     /* t=y */
    bool same_domain;                 /* t=s: i= must be of d= itself */
};

/* One TXT record. MOON_ENOMEM is the only failure. */
enum moon_status moon_sig_key_parse(struct moon_arena *arena, struct moon_span record,
                                    struct moon_sig_key *key_r);
/* The answer to the question for moon_sig.key_name: trouble is temperror, no record permerror; of
 * several records the only one that is a usable key (RFC 6376 section 3.6.2.2 leaves it open). */
enum moon_status moon_sig_key_of_answer(struct moon_arena *arena,
                                        const struct moon_dns_answer *answer,
                                        struct moon_sig_key *key_r);

/* Does the key fit the signature: algorithm, t=s? Refuses the signature when it does not, or when
 * the key itself is not usable. */
void moon_sig_key_check(const struct moon_sig_key *key, struct moon_sig *sig);

/* An RSA key as SubjectPublicKeyInfo, the form moon_sig_key_record writes: true, and the key
 * borrowed from `der`, when it is in that form and may be used by the rules above; false for all
 * else. */
bool moon_sig_key_of_spki(struct moon_span der, struct moon_sig_key *key_r);

/* A record that says the same with nothing else in it: v, k, and p as SPKI. NULL without memory.
 * Only for usable keys. */
char *moon_sig_key_record(struct moon_arena *arena, const struct moon_sig_key *key);

#endif
