/* SPDX-License-Identifier: MIT
 *
 * sign: makes DKIM signatures for tests, also wrong ones. It shares no code with what verifies, so
 * that both cannot be wrong in the same way: plain byte loops, memory from malloc.
 */
#ifndef MOON_TRIAL_SIGN_H
#define MOON_TRIAL_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

/* What to do, and what to write about it. A NULL or -1 leaves the tag out (or has the default named
 * here). */
struct moon_sign {
    const char *domain, *selector;
    const char *identity;   /* i=, as written */
    const char *algorithm;  /* default: what fits the key; "rsa-sha1" is possible */
    const char *canon;      /* "relaxed/simple", ...; NULL signs simple/simple without c= */
    const char *headers;    /* h=, as written; "from:to:subject:date:message-id" by default */
    const char *extra;      /* raw text put before bh=: "x_a=1; " */
    int64_t length;         /* l= */
    int64_t signed_at_s;    /* t= */
    int64_t expires_s;      /* x= */
    const char *tags;       /* the whole tag list instead of the one built from the above; @BH@ and
                               @B@ stand for the two values, which are computed as the above says */
    const char *field_name; /* "DKIM-Signature" by default */
};
/* All NULL and -1. */
struct moon_sign moon_sign_default(const char *domain, const char *selector);

/* NULL when the file holds no private key. Free with EVP_PKEY_free. */
EVP_PKEY *moon_sign_key_load(const char *path);
/* 512 and more bits. */
EVP_PKEY *moon_sign_key_rsa(unsigned bits);

/* Line ends of any kind made CRLF; freed by the caller, terminated, *size_r without the end. */
char *moon_sign_crlf(const char *text, size_t size, size_t *size_r);

/* The signature field with its final CRLF, for a message with CRLF line ends. NULL on a failure of
 * OpenSSL's. Freed by the caller. */
char *moon_sign_field(const struct moon_sign *sign, EVP_PKEY *key, const char *message,
                      size_t size);
/* The message with the field on top (CRLF made first). */
char *moon_sign_message(const struct moon_sign *sign, EVP_PKEY *key, const char *text, size_t size,
                        size_t *size_r);

/* The value of the TXT record: "v=DKIM1; k=rsa; p=...". With `pkcs1` the RSA key is written bare
 * (RSAPublicKey) as in RFC 6376 appendix A. Freed by the caller. */
char *moon_sign_record(EVP_PKEY *key, int pkcs1);
/* base64 of p= alone. */
char *moon_sign_public(EVP_PKEY *key, int pkcs1);

#endif
