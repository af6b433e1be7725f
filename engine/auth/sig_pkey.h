/* SPDX-License-Identifier: MIT
 *
 * sig_pkey: public keys as objects of OpenSSL's, for the signature core and for libopendkim, and
 * the verification of a digest with them.
 */
#ifndef MOON_AUTH_SIG_PKEY_H
#define MOON_AUTH_SIG_PKEY_H

#include "engine/auth/sig_digest.h"
#include "engine/auth/sig_key.h"

/* Is `signature` that of `digest`? Only for usable keys. MOON_ENOMEM when OpenSSL cannot work. */
enum moon_status moon_sig_pkey_verify(const struct moon_sig_key *key,
                                      const unsigned char digest[MOON_SIG_DIGEST_BYTES],
                                      struct moon_span signature, bool *valid_r);

/* For tests: what this process has done so far. */
struct moon_sig_pkey_counts {
    size_t made;      /* objects; the others were still there from an earlier signature */
    size_t unwrapped; /* RSA keys of libopendkim's that were taken apart by our hand */
    size_t decoded;   /* those that were left to OpenSSL's decoder */
};
struct moon_sig_pkey_counts moon_sig_pkey_counts(void);

#endif
