/* SPDX-License-Identifier: MIT
 *
 * seal: adds ARC sets to messages, for tests, also wrong ones. Built on sign.h, so that it shares
 * no code with the engine either.
 */
#ifndef MOON_TRIAL_SEAL_H
#define MOON_TRIAL_SEAL_H

#include "engine/trial/sign.h"

/* NULL and 0 give what is right. */
struct moon_seal {
    unsigned instance; /* required */
    const char *domain, *selector;
    const char *cv;              /* "none" for the first, else "pass" */
    const char *results;         /* what follows "i=N; "; "mx.DOMAIN; none" by default */
    const char *canon;           /* of the signature; "relaxed/relaxed" by default */
    const char *headers;         /* h= of the signature; "from:to:subject" by default */
    const char *signature_extra; /* raw tags put before bh=: "x=1; " */
    const char *seal_extra;      /* the same of the seal, before b= */
    int64_t length;              /* l= of the signature is length - 1 when it is not 0 */
    const char *covered;         /* names the seal covers, instead of all sets up to its own */
};

/* The message (CRLF) with the set on top: seal, signature, results. NULL when OpenSSL fails. Freed
 * by the caller. */
char *moon_seal_message(const struct moon_seal *seal, EVP_PKEY *key, const char *message,
                        size_t size, size_t *size_r);

#endif
