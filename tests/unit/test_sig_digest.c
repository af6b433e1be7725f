/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/sig_digest.c; what it says when OpenSSL fails is in test_sig_failure.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "engine/auth/sig_digest.h"
#include "engine/base/status.h"

static const unsigned char *sha256(const char *text, unsigned char out[32])
{
    assert_int_equal(EVP_Digest(text, strlen(text), out, NULL, EVP_sha256(), NULL), 1);
    return out;
}

static void hashes_runs_of_any_size(void **state)
{
    static char text[20000];
    static const size_t runs[] = {1, 100, 4095, 4096, 4097, 19999};
    unsigned char got[32], want[32];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    for (size_t r = 0; r < sizeof runs / sizeof *runs; r++) {
        struct moon_sig_digest digest;
        moon_sig_digest_begin(&digest);
        for (size_t i = 0; i < sizeof text - 1; i += runs[r]) {
            size_t left = sizeof text - 1 - i;
            moon_sig_digest_add(&digest, text + i, left < runs[r] ? left : runs[r]);
        }
        assert_true(moon_sig_digest_end(&digest, got));
        assert_memory_equal(got, sha256(text, want), 32);
    }
}

static void a_fork_goes_on_alone(void **state)
{
    struct moon_sig_digest digest, copy;
    unsigned char got[32], want[32];
    (void)state;
    moon_sig_digest_begin(&digest);
    moon_sig_digest_add(&digest, "ab", 2);
    moon_sig_digest_fork(&digest, &copy);
    moon_sig_digest_add(&digest, "c", 1);
    moon_sig_digest_add(&copy, "d", 1);
    assert_true(moon_sig_digest_end(&digest, got));
    assert_memory_equal(got, sha256("abc", want), 32);
    assert_true(moon_sig_digest_end(&copy, got));
    assert_memory_equal(got, sha256("abd", want), 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_runs_of_any_size),
        cmocka_unit_test(a_fork_goes_on_alone),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
