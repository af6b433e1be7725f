/* SPDX-License-Identifier: MIT
 *
 * What the signature core and ARC say when OpenSSL fails: never a result, always that memory is
 * missing. The hash functions of OpenSSL are replaced by ones that fail once when told so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <openssl/evp.h>

#include "engine/auth/arc.h"
#include "engine/auth/dkim.h"
#include "engine/auth/sig_hash.h"
#include "tests/support/arc_chain.h"
#include "tests/support/dkim_case.h"
#include "engine/trial/sign.h"

static size_t calls, fail_at;

static bool fails(void)
{
    return fail_at && ++calls == fail_at;
}

static void *real_of(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    assert_non_null(found);
    return found;
}

int EVP_DigestInit_ex(EVP_MD_CTX *ctx, const EVP_MD *type, ENGINE *engine)
{
    int (*real)(EVP_MD_CTX *, const EVP_MD *, ENGINE *);
    void *found = real_of("EVP_DigestInit_ex");
    memcpy(&real, &found, sizeof real);
    return fails() ? 0 : real(ctx, type, engine);
}

int EVP_DigestUpdate(EVP_MD_CTX *ctx, const void *data, size_t n)
{
    int (*real)(EVP_MD_CTX *, const void *, size_t);
    void *found = real_of("EVP_DigestUpdate");
    memcpy(&real, &found, sizeof real);
    return fails() ? 0 : real(ctx, data, n);
}

int EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *out, unsigned *size)
{
    int (*real)(EVP_MD_CTX *, unsigned char *, unsigned *);
    void *found = real_of("EVP_DigestFinal_ex");
    memcpy(&real, &found, sizeof real);
    memset(out, 0,
           MOON_SIG_DIGEST_BYTES); /* seen by the sanitizers, as libcrypto's writing is not */
    return fails() ? 0 : real(ctx, out, size);
}

int EVP_MD_CTX_copy_ex(EVP_MD_CTX *out, const EVP_MD_CTX *in)
{
    int (*real)(EVP_MD_CTX *, const EVP_MD_CTX *);
    void *found = real_of("EVP_MD_CTX_copy_ex");
    memcpy(&real, &found, sizeof real);
    return fails() ? 0 : real(out, in);
}

static void a_hash_that_failed_anywhere_has_failed(void **state)
{
    static const char text[10000] = "";
    unsigned char out[MOON_SIG_DIGEST_BYTES];
    (void)state; /* cmocka's, not used */
    for (fail_at = 1, calls = fail_at; calls >= fail_at; fail_at++) {
        struct moon_sig_digest digest, copy;
        assert_true(fail_at < 50);
        calls = 0;
        moon_sig_digest_begin(&digest);
        moon_sig_digest_add(&digest, text, 10);
        moon_sig_digest_fork(&digest, &copy);
        moon_sig_digest_add(&copy, text, 10);
        bool ok = moon_sig_digest_end(&copy, out);
        moon_sig_digest_add(&digest, text, 10);
        moon_sig_digest_add(&digest, text, sizeof text);
        ok = moon_sig_digest_end(&digest, out) && ok;
        assert_int_equal(ok, calls < fail_at);
        if (calls < fail_at)
            break;
    }
    assert_true(fail_at > 5);
    fail_at = 0;
}

static void a_body_that_cannot_be_hashed_is_no_result(void **state)
{
    (void)state; /* cmocka's, not used */
    for (fail_at = 1; fail_at <= 4; fail_at++) {
        struct moon_body body = {.fd = -1, .memory = MOON_SPAN("body\r\n")};
        struct moon_sig_bodies *bodies = moon_sig_bodies_of(moon_chain_arena, &body);
        struct moon_sig sig = {.kind = MOON_SIG_KIND_DKIM, .body_length = -1};
        struct moon_sig_body_hash *hash;
        calls = 0;
        assert_true(moon_sig_bodies_want(bodies, &sig, &hash));
        moon_sig_bodies_need(hash);
        assert_int_equal(moon_sig_bodies_make(bodies), fail_at <= 3 ? MOON_ENOMEM : MOON_OK);
        assert_int_equal(hash->made, fail_at > 3);
    }
    fail_at = 0;
}

static void a_chain_that_cannot_be_hashed_is_no_result(void **state)
{
    struct moon_dns_backend *backend = NULL;
    struct moon_error error;
    (void)state; /* cmocka's, not used */
    moon_chain_grow(2);
    const char *text = moon_chain_text();
    struct moon_message *msg = moon_case_message(moon_chain_arena, text, strlen(text));
    char *record = moon_sign_record(moon_chain_rsa, 0);
    const char *zone = moon_arena_printf(
        moon_chain_arena, "%s%s", moon_case_txt(moon_chain_arena, "k._domainkey.a.example", record),
        moon_case_txt(moon_chain_arena, "k._domainkey.b.example", record));
    free(record);
    assert_int_equal(moon_dns_backend_zone(moon_span_of(zone), "zone", &backend, &error), MOON_OK);
    for (fail_at = 1;; fail_at++) {
        struct moon_dns *dns = moon_dns_begin(moon_chain_arena, backend, 1000, 0);
        struct moon_arc_check *check;
        struct moon_arc arc;
        assert_true(fail_at < 200);
        calls = 0;
        assert_int_equal(moon_arc_begin(moon_chain_arena, dns, msg,
                                        moon_sig_bodies_of(moon_chain_arena, &msg->body), &check),
                         MOON_OK);
        enum moon_status status = moon_arc_finish(check, &arc);
        moon_dns_end(&dns);
        assert_int_equal(status, calls < fail_at ? MOON_OK : MOON_ENOMEM);
        if (status == MOON_OK) {
            assert_int_equal(arc.result, MOON_RESULT_PASS);
            break;
        }
    }
    assert_true(fail_at > 20);
    fail_at = 0;
    moon_dns_backend_destroy(&backend);
}

/* "n=" with 8-bit text makes it the core's. */
static void a_signature_of_the_core_that_cannot_be_hashed_is_no_result(void **state)
{
    static const char text[] = "From: a@a.example\r\n\r\nbody\r\n";
    struct moon_dns_backend *backend = NULL;
    struct moon_error error;
    size_t size;
    struct moon_sign sign = moon_sign_default("a.example", "k");
    (void)state; /* cmocka's, not used */
    sign.extra = "n=\xc3\xbc; ";
    char *signed_text = moon_sign_message(&sign, moon_chain_rsa, text, sizeof text - 1, &size);
    struct moon_message *msg = moon_case_message(moon_chain_arena, signed_text, size);
    char *record = moon_sign_record(moon_chain_rsa, 0);
    const char *zone = moon_case_txt(moon_chain_arena, "k._domainkey.a.example", record);
    free(record);
    assert_int_equal(moon_dns_backend_zone(moon_span_of(zone), "zone", &backend, &error), MOON_OK);
    for (fail_at = 1;; fail_at++) {
        struct moon_dns *dns = moon_dns_begin(moon_chain_arena, backend, 1000, 0);
        struct moon_dkim_check *check;
        struct moon_dkim dkim;
        assert_true(fail_at < 50);
        calls = 0;
        assert_int_equal(moon_dkim_begin(moon_chain_arena, dns, msg,
                                         moon_sig_bodies_of(moon_chain_arena, &msg->body), &check),
                         MOON_OK);
        enum moon_status status = moon_dkim_finish(check, &dkim);
        moon_dns_end(&dns);
        assert_int_equal(status, calls < fail_at ? MOON_OK : MOON_ENOMEM);
        if (status == MOON_OK) {
            assert_int_equal(dkim.result, MOON_RESULT_PASS);
            break;
        }
    }
    assert_true(fail_at > 5);
    fail_at = 0;
    moon_dns_backend_destroy(&backend);
    free(signed_text);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, moon_chain_begin, moon_chain_end)

static void a_piece_too_large_to_wait_for_others_is_hashed_or_told(void **state)
{
    static const char piece[3 * sizeof(((struct moon_sig_digest *)0)->stage)] = "";
    unsigned char out[MOON_SIG_DIGEST_BYTES];
    struct moon_sig_digest digest, copy;
    (void)state;
    for (size_t n = 0; n < 2; n++) {
        moon_sig_digest_begin(&digest);
        calls = 0;
        fail_at = n;
        moon_sig_digest_add(&digest, piece, sizeof piece);
        fail_at = 0;
        moon_sig_digest_fork(&digest, &copy);
        assert_int_equal(moon_sig_digest_end(&copy, out), n == 0);
        assert_int_equal(moon_sig_digest_end(&digest, out), n == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_hash_that_failed_anywhere_has_failed),
        CASE(a_body_that_cannot_be_hashed_is_no_result),
        CASE(a_chain_that_cannot_be_hashed_is_no_result),
        CASE(a_signature_of_the_core_that_cannot_be_hashed_is_no_result),
        CASE(a_piece_too_large_to_wait_for_others_is_hashed_or_told),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, moon_chain_keys, moon_chain_keys_end);
}
