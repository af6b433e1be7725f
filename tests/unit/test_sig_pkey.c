/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/sig_pkey.c: keys as objects, for the signature core and for libopendkim,
 * whose call of d2i_PUBKEY_bio() it answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "engine/auth/sig_pkey.h"
#include "engine/trial/sign.h"
#include "tests/support/arena_case.h"
#include "tests/support/dkim_case.h"

static EVP_PKEY *load(const char *name)
{
    EVP_PKEY *key = moon_sign_key_load(moon_arena_printf(arena, "tests/support/keys/%s.pem", name));
    assert_non_null(key);
    return key;
}

/* In the arena, as one of OpenSSL's functions writes it; frees the key. */
static struct moon_span der_of(EVP_PKEY *key, int (*write)(const EVP_PKEY *, unsigned char **))
{
    unsigned char *der = NULL;
    int n = write(key, &der);
    assert_true(n > 0);
    struct moon_span bytes = {moon_arena_dup(arena, (struct moon_span){(char *)der, (size_t)n}),
                              (size_t)n};
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    return bytes;
}

static struct moon_span spki_of(EVP_PKEY *key)
{
    return der_of(key, i2d_PUBKEY);
}

/* A key of 2048 bits with this exponent. */
static EVP_PKEY *with_exponent(unsigned long exponent)
{
    EVP_PKEY *good = load("rsa2048"), *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = NULL;

    assert_true(EVP_PKEY_get_bn_param(good, "n", &n) == 1 &&
                OSSL_PARAM_BLD_push_BN(build, "n", n) == 1 &&
                OSSL_PARAM_BLD_push_ulong(build, "e", exponent) == 1);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    assert_true(EVP_PKEY_fromdata_init(ctx) == 1 &&
                EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    BN_free(n);
    EVP_PKEY_free(good);
    return key;
}

/* As libopendkim asks. */
static EVP_PKEY *ask(struct moon_span der)
{
    BIO *bio = BIO_new_mem_buf(der.p, (int)der.n);
    EVP_PKEY *key = d2i_PUBKEY_bio(bio, NULL);
    BIO_free(bio);
    return key;
}

/* Both ways give the same key, or none; which way it went is counted. */
static void expect_way(const char *what, struct moon_span der, size_t unwrapped)
{
    struct moon_sig_pkey_counts before = moon_sig_pkey_counts();
    EVP_PKEY *got = ask(der);
    struct moon_sig_pkey_counts after = moon_sig_pkey_counts();
    const unsigned char *p = (const unsigned char *)der.p;
    EVP_PKEY *want = d2i_PUBKEY(NULL, &p, (long)der.n);

    if (after.unwrapped - before.unwrapped != unwrapped ||
        after.decoded - before.decoded != 1 - unwrapped)
        fail_msg("%s went the other way", what);
    if (!got != !want || (got && EVP_PKEY_eq(got, want) != 1))
        fail_msg("%s: another key than OpenSSL's", what);
    EVP_PKEY_free(got);
    EVP_PKEY_free(want);
}

static void usable_keys_are_unwrapped_by_hand(void **state)
{
    static const char *const names[] = {"rsa1024", "rsa2048", "rsa4096"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        expect_way(names[i], spki_of(load(names[i])), 1);
    expect_way("e=3", spki_of(with_exponent(3)), 1);
    expect_way("e=2^32-1", spki_of(with_exponent(0xffffffffUL)), 1);
}

static void everything_else_goes_to_openssl(void **state)
{
    static const char *const names[] = {"rsa512", "rsa768", "rsa1023", "rsa8192", "ed25519"};
    static const unsigned long exponents[] = {1, 2, 0x10000, 0x100000001};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        expect_way(names[i], spki_of(load(names[i])), 0);
    for (size_t i = 0; i < sizeof exponents / sizeof *exponents; i++)
        expect_way("an exponent", spki_of(with_exponent(exponents[i])), 0);
    expect_way("P-256", spki_of(EVP_EC_gen("P-256")), 0);
    expect_way("a bare key", der_of(load("rsa2048"), i2d_PublicKey), 0);
    expect_way("no key", MOON_SPAN("\x30\x03\x02\x01\x05"), 0);
    expect_way("text", MOON_SPAN("no DER at all"), 0);
    struct moon_span good = spki_of(load("rsa2048"));
    for (size_t n = 1; n < good.n; n += 13)
        expect_way("a key cut short", moon_span_sub(good, 0, n), 0);
    char *longer = moon_arena_printf(arena, "%*s", (int)good.n + 1, "");
    memcpy(longer, good.p, good.n);
    expect_way("a key and a byte", (struct moon_span){longer, good.n + 1}, 0);
    for (size_t i = 0; i < 32; i++) { /* all before the modulus */
        char *copy = moon_arena_dup(arena, good);
        copy[i] = (char)(copy[i] ^ 1);
        expect_way("a damaged key", (struct moon_span){copy, good.n}, 0);
    }
}

/* What libopendkim does not do is left as it was. */
static void other_callers_get_what_they_ask_for(void **state)
{
    (void)state;
    struct moon_span der = spki_of(load("rsa2048"));
    struct moon_sig_pkey_counts before = moon_sig_pkey_counts();
    BIO *bio = BIO_new_mem_buf(der.p, (int)der.n);
    EVP_PKEY *filled = NULL, *read = d2i_PUBKEY_bio(bio, &filled);
    assert_non_null(read);
    assert_ptr_equal(read, filled);
    BIO_free(bio);
    EVP_PKEY_free(read);
    BIO *base = BIO_new_mem_buf(der.p, (int)der.n), *chain = BIO_push(BIO_new(BIO_f_null()), base);
    read = d2i_PUBKEY_bio(chain, NULL); /* no memory BIO */
    assert_non_null(read);
    EVP_PKEY_free(read);
    BIO_free_all(chain);
    bio = BIO_new(BIO_s_mem());
    assert_null(d2i_PUBKEY_bio(bio, NULL));
    BIO_free(bio);
    assert_int_equal(moon_sig_pkey_counts().decoded - before.decoded, 3);
    assert_int_equal(moon_sig_pkey_counts().unwrapped, before.unwrapped);
}

static void an_object_is_made_once(void **state)
{
    (void)state;
    struct moon_span der = spki_of(load("rsa4096"));
    EVP_PKEY *first = ask(der), *second;
    size_t made = moon_sig_pkey_counts().made;
    for (size_t i = 0; i < 3; i++) {
        second = ask(der);
        assert_ptr_equal(first, second);
        EVP_PKEY_free(second);
    }
    assert_int_equal(moon_sig_pkey_counts().made, made);
    EVP_PKEY_free(first);
}

/* The byte in the middle names the slot; whoever comes later takes it. */
static void keys_of_one_slot_are_never_mixed_up(void **state)
{
    (void)state;
    struct moon_span der = spki_of(load("rsa2048"));
    char *changed = moon_arena_dup(arena, der);
    changed[der.n - 40] = (char)(changed[der.n - 40] ^ 4);
    struct moon_span other = {changed, der.n};
    size_t made = moon_sig_pkey_counts().made;
    for (size_t i = 0; i < 3; i++) {
        expect_way("one of the slot", der, 1);
        expect_way("the other", other, 1);
    }
    assert_in_range(moon_sig_pkey_counts().made - made, 5, 6);
    char raw[32] = "the same bytes as two kinds ...";
    struct moon_sig_key ed = {.reason = "",
                              .for_only = MOON_SIG_ALGORITHM_ED25519_SHA256,
                              .public_key = {raw, sizeof raw}};
    unsigned char digest[MOON_SIG_DIGEST_BYTES] = {1};
    bool valid;
    assert_int_equal(moon_sig_pkey_verify(&ed, digest, MOON_SPAN("no signature"), &valid), MOON_OK);
    ed.for_only = MOON_SIG_ALGORITHM_RSA_SHA256; /* no DER: cannot be made, nor found */
    assert_int_equal(moon_sig_pkey_verify(&ed, digest, MOON_SPAN("no signature"), &valid),
                     MOON_ENOMEM);
}

static void each_slot_keeps_its_key(void **state)
{
    unsigned char digest[MOON_SIG_DIGEST_BYTES] = {0}, bytes[32] = {0};
    size_t made = 0;
    (void)state;
    for (unsigned i = 0; i < 2 * 64; i++) { /* the second time nothing is made */
        struct moon_sig_key key = {.for_only = MOON_SIG_ALGORITHM_ED25519_SHA256,
                                   .public_key = {(char *)bytes, sizeof bytes}};
        bool valid;
        bytes[16] = (unsigned char)(255 - i % 64);
        assert_int_equal(moon_sig_pkey_verify(&key, digest, MOON_SPAN("none"), &valid), MOON_OK);
        assert_false(valid);
        made = i < 64 ? moon_sig_pkey_counts().made : made;
    }
    assert_int_equal(moon_sig_pkey_counts().made, made);
    for (unsigned i = 0; i < 256; i++) {
        struct moon_sig_key key = {.for_only = MOON_SIG_ALGORITHM_ED25519_SHA256,
                                   .public_key = {(char *)bytes, sizeof bytes}};
        bool valid;
        bytes[16] = (unsigned char)i;
        assert_int_equal(moon_sig_pkey_verify(&key, digest, MOON_SPAN("none"), &valid), MOON_OK);
    }
}

/* The call inside the library really comes here. */
static void libopendkim_gets_its_key_from_here(void **state)
{
    (void)state;
    EVP_PKEY *key = load("rsa2048");
    struct moon_sign sign = moon_sign_default("example.com", "s");
    static const char text[] = "From: a@example.com\n\nbody\n";
    size_t size = 0;
    char *message = moon_sign_message(&sign, key, text, sizeof text - 1, &size);
    char *record = moon_sign_record(key, 0);
    char *zone = moon_case_txt(arena, "s._domainkey.example.com", record);
    for (size_t i = 1; i <= 2; i++) {
        struct moon_sig_pkey_counts before = moon_sig_pkey_counts();
        assert_int_equal(moon_case_dkim(arena, zone, message, size).result, MOON_RESULT_PASS);
        assert_int_equal(moon_sig_pkey_counts().unwrapped - before.unwrapped, 1);
        assert_int_equal(moon_sig_pkey_counts().decoded, before.decoded);
    }
    free(message);
    free(record);
    EVP_PKEY_free(key);
}

static void verifies_only_the_right_signature(void **state)
{
    unsigned char digest[MOON_SIG_DIGEST_BYTES] = {1, 2, 3}, made[512];
    size_t size = sizeof made;
    struct moon_sig_key key;
    bool valid;
    (void)state;
    EVP_PKEY *pkey = load("rsa2048");
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    assert_true(EVP_PKEY_sign_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
                EVP_PKEY_sign(ctx, made, &size, digest, sizeof digest) == 1);
    EVP_PKEY_CTX_free(ctx);
    assert_true(moon_sig_key_of_spki(spki_of(pkey), &key));
    assert_string_equal(key.reason, "");
    struct moon_span signature = {(char *)made, size};
    assert_int_equal(moon_sig_pkey_verify(&key, digest, signature, &valid), MOON_OK);
    assert_true(valid);
    assert_int_equal(
        moon_sig_pkey_verify(&key, digest, moon_span_sub(signature, 0, size - 1), &valid), MOON_OK);
    assert_false(valid);
    made[10] ^= 1;
    assert_int_equal(moon_sig_pkey_verify(&key, digest, signature, &valid), MOON_OK);
    assert_false(valid);
    made[10] ^= 1;
    /* again and again, also after another key of the slot has had its turn */
    struct moon_sig_key other = key;
    char *changed = moon_arena_dup(arena, key.public_key);
    changed[key.public_key.n - 40] = (char)(changed[key.public_key.n - 40] ^ 4);
    other.public_key.p = changed;
    for (size_t i = 0; i < 3; i++)
        for (size_t twice = 0; twice < 2; twice++) {
            assert_int_equal(moon_sig_pkey_verify(&other, digest, signature, &valid), MOON_OK);
            assert_false(valid);
            assert_int_equal(moon_sig_pkey_verify(&key, digest, signature, &valid), MOON_OK);
            assert_true(valid);
            assert_int_equal(moon_sig_pkey_verify(&key, digest, signature, &valid), MOON_OK);
            assert_true(valid);
        }
}

static void verifies_only_the_right_ed25519_signature(void **state)
{
    unsigned char digest[MOON_SIG_DIGEST_BYTES] = {1, 2, 3}, made[64], bytes[32];
    size_t size = sizeof made, n = sizeof bytes;
    bool valid;
    (void)state;
    EVP_PKEY *pkey = load("ed25519");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_true(EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
                EVP_DigestSign(ctx, made, &size, digest, sizeof digest) == 1 &&
                EVP_PKEY_get_raw_public_key(pkey, bytes, &n) == 1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    struct moon_sig_key key = {.for_only = MOON_SIG_ALGORITHM_ED25519_SHA256,
                               .public_key = {(char *)bytes, n}};
    struct moon_span signature = {(char *)made, size};
    for (size_t i = 0; i < 3; i++) { /* as it is, with another byte, over another digest */
        made[0] ^= i == 1;
        digest[0] ^= i == 2;
        assert_int_equal(moon_sig_pkey_verify(&key, digest, signature, &valid), MOON_OK);
        assert_int_equal(valid, i == 0);
        made[0] ^= i == 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usable_keys_are_unwrapped_by_hand),
        cmocka_unit_test(everything_else_goes_to_openssl),
        cmocka_unit_test(other_callers_get_what_they_ask_for),
        cmocka_unit_test(an_object_is_made_once),
        cmocka_unit_test(keys_of_one_slot_are_never_mixed_up),
        cmocka_unit_test(each_slot_keeps_its_key),
        cmocka_unit_test(libopendkim_gets_its_key_from_here),
        cmocka_unit_test(verifies_only_the_right_signature),
        cmocka_unit_test(verifies_only_the_right_ed25519_signature),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
