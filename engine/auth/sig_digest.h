/* SPDX-License-Identifier: MIT
 *
 * sig_digest: SHA-256 as a place for canonical bytes.
 */
#ifndef MOON_AUTH_SIG_DIGEST_H
#define MOON_AUTH_SIG_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define MOON_SIG_DIGEST_BYTES 32

/* Heap of OpenSSL's: end it with moon_sig_digest_end. */
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

#endif
