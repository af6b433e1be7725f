/* SPDX-License-Identifier: MIT
 *
 * sig_pkey: from the bytes of a public key, which sig_key.c has checked, to OpenSSL's object.
 *
 * Objects are kept from message to message: most mail is of few signers, and an object that has
 * verified once also knows what its modulus needs (Montgomery's constants); what the core verifies
 * with stays beside it. A slot is found by one byte of the key and compared in full; two keys of
 * one slot take turns. A stranger can make us compute anew with that, and nothing else: object and
 * bytes say the same.
 *
 * libopendkim 2.11 turns the p= of an RSA key into an object by one call, d2i_PUBKEY_bio(). In
 * OpenSSL 3 that asks every decoder of every provider, which costs five times the verification (a
 * quarter of all that the engine did for a message). There is no other way to hand it a key, so the
 * call is answered here: this program's definition comes before the shared library's; where the
 * archives are linked, the linker writes __wrap_ in front of the name (Makefile). What sig_key.c
 * would have let through as a key of a signature is unwrapped by hand; everything else goes the way
 * it always went.
 */
#include "engine/auth/sig_pkey.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define SLOTS 64u /* an RSA key of 2048 bits takes 4 KB with all that OpenSSL notes in it */

struct slot {
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *verifier; /* of an RSA key that the core has verified with, or NULL */
    enum moon_sig_algorithm algorithm;
    char *bytes;
    size_t size;
};

static struct slot slots[SLOTS]; /* of the process */
static struct moon_sig_pkey_counts counts;

struct moon_sig_pkey_counts moon_sig_pkey_counts(void)
{
    return counts;
}

static const unsigned char *bytes_of(struct moon_span span)
{
    return (const unsigned char *)span.p;
}

static EVP_PKEY *make(const struct moon_sig_key *key)
{
    const unsigned char *p = bytes_of(key->public_key);

    counts.made++;
    return key->for_only == MOON_SIG_ALGORITHM_RSA_SHA256
               ? d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)key->public_key.n)
               : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, p, key->public_key.n);
}

/* The middle of a modulus is as good as random. */
static struct slot *slot_of(const struct moon_sig_key *key)
{
    return &slots[bytes_of(key->public_key)[key->public_key.n / 2] % SLOTS];
}

static void keep(struct slot *slot, const struct moon_sig_key *key, EVP_PKEY *pkey)
{
    char *bytes = malloc(key->public_key.n);

    if (!bytes || EVP_PKEY_up_ref(pkey) != 1) {
        free(bytes);
        return; /* the next signature makes it again */
    }
    memcpy(bytes, key->public_key.p, key->public_key.n);
    EVP_PKEY_CTX_free(slot->verifier);
    EVP_PKEY_free(slot->pkey);
    free(slot->bytes);
    *slot = (struct slot){pkey, NULL, key->for_only, bytes, key->public_key.n};
}

/* A reference of the caller's own, or NULL when OpenSSL cannot make it. */
static EVP_PKEY *pkey_of(const struct moon_sig_key *key)
{
    struct slot *slot = slot_of(key);

    if (slot->pkey && slot->algorithm == key->for_only &&
        moon_span_eq(key->public_key, (struct moon_span){slot->bytes, slot->size}))
        return EVP_PKEY_up_ref(slot->pkey) == 1 ? slot->pkey : NULL;
    EVP_PKEY *pkey = make(key);
    if (pkey)
        keep(slot, key, pkey);
    return pkey;
}

/* NULL when OpenSSL cannot make it. */
static EVP_PKEY_CTX *make_verifier(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);

    if (ctx && EVP_PKEY_verify_init(ctx) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
        EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

/* The verifier stays with the object, if that is kept. */
static bool verify_rsa(struct slot *slot, EVP_PKEY *pkey, const unsigned char *digest,
                       struct moon_span signature)
{
    bool kept = slot->pkey == pkey;
    EVP_PKEY_CTX *ctx = kept && slot->verifier ? slot->verifier : make_verifier(pkey);
    bool valid = ctx && EVP_PKEY_verify(ctx, bytes_of(signature), signature.n, digest,
                                        MOON_SIG_DIGEST_BYTES) == 1;
    if (kept)
        slot->verifier = ctx;
    else
        EVP_PKEY_CTX_free(ctx);
    return valid;
}

/* RFC 8463 section 3: PureEdDSA over the hash. */
static bool verify_ed25519(EVP_PKEY *pkey, const unsigned char *digest, struct moon_span signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool valid =
        ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
        EVP_DigestVerify(ctx, bytes_of(signature), signature.n, digest, MOON_SIG_DIGEST_BYTES) == 1;
    EVP_MD_CTX_free(ctx);
    return valid;
}

enum moon_status moon_sig_pkey_verify(const struct moon_sig_key *key,
                                      const unsigned char digest[MOON_SIG_DIGEST_BYTES],
                                      struct moon_span signature, bool *valid_r)
{
    bool rsa = key->for_only == MOON_SIG_ALGORITHM_RSA_SHA256;
    EVP_PKEY *pkey = pkey_of(key);

    *valid_r = false;
    if (pkey)
        *valid_r = rsa ? verify_rsa(slot_of(key), pkey, digest, signature)
                       : verify_ed25519(pkey, digest, signature);
    EVP_PKEY_free(pkey);
    ERR_clear_error(); /* a signature that does not verify leaves entries */
    return pkey ? MOON_OK : MOON_ENOMEM;
}

/* OpenSSL's function, for libopendkim. It gives a memory BIO and no object to fill, and frees the
 * BIO afterwards, so that it may stay unread. */
EVP_PKEY *__wrap_d2i_PUBKEY_bio(BIO *bio, EVP_PKEY **pkey)
{
    struct moon_sig_key key;
    char *der = NULL;
    long size = BIO_method_type(bio) == BIO_TYPE_MEM ? BIO_get_mem_data(bio, &der) : 0;

    if (!pkey && moon_sig_key_of_spki((struct moon_span){der, (size_t)size}, &key)) {
        counts.unwrapped++;
        return pkey_of(&key);
    }
    counts.decoded++;
    return ASN1_d2i_bio_of(EVP_PKEY, EVP_PKEY_new, d2i_PUBKEY, bio, pkey); /* as OpenSSL does */
}

/* Weak: where the archives are linked, OpenSSL's own is there too. */
EVP_PKEY *d2i_PUBKEY_bio(BIO *bio, EVP_PKEY **pkey)
    __attribute__((weak, alias("__wrap_d2i_PUBKEY_bio")));
