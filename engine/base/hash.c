/* SPDX-License-Identifier: MIT
 *
 * hash: SHA-256 by OpenSSL's EVP.
 */
#include "engine/base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

void moon_hash_begin(void)
{
    /* What is never loaded, no later call loads either: libopendkim would have the tables of all
     * ciphers and digests by name, the first error the texts of all errors; and the end of the
     * process would free them one by one. */
    uint64_t without = OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
                       OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS |
                       OPENSSL_INIT_NO_ATEXIT;
    (void)OPENSSL_init_crypto(without, NULL); /* else its first user fails */
}

bool moon_hash_hex(struct moon_span bytes, char hash_r[MOON_HASH_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    hash_r[0] = '\0';
    if (EVP_Digest(bytes.n ? bytes.p : "", bytes.n, digest, &length, EVP_sha256(), NULL) != 1 ||
        length != 32)
        return false;
    for (unsigned i = 0; i < length; i++) {
        hash_r[2 * i] = digits[digest[i] >> 4];
        hash_r[2 * i + 1] = digits[digest[i] & 15];
    }
    hash_r[64] = '\0';
    return true;
}
