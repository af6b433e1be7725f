/* SPDX-License-Identifier: MIT
 *
 * keys: the two keys that sign messages of policy tests: always the same, so that a test is the
 * same message whenever it runs.
 */
#ifndef MOON_TRIAL_KEYS_H
#define MOON_TRIAL_KEYS_H

#include <stdbool.h>

#include <openssl/evp.h>

struct moon_trial_keys {
    EVP_PKEY *rsa; /* 2048 bits */
    EVP_PKEY *ed25519;
};

/* False when OpenSSL fails; nothing needs freeing then. */
bool moon_trial_keys_load(struct moon_trial_keys *keys_r);
void moon_trial_keys_free(struct moon_trial_keys *keys);

#endif
