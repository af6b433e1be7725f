/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/dkim.c: messages with several signatures, and the one word for all of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/dkim.h"
#include "engine/base/limits.h"
#include "engine/trial/sign.h"
#include "tests/support/arena_case.h"
#include "tests/support/dkim_case.h"

static EVP_PKEY *key;

struct text {
    const char *p;
    size_t size;
};
static const struct text plain = {"From: a@example.com\r\n\r\nbody\r\n", 29};

/* With one more signature, at the top. */
static struct text sign_again(struct text text, const char *selector, const char *algorithm)
{
    struct moon_sign sign = moon_sign_default("example.com", selector);
    size_t size = 0;

    sign.algorithm = algorithm;
    char *out = moon_sign_message(&sign, key, text.p, text.size, &size);
    assert_non_null(out);
    text = (struct text){moon_arena_dup(arena, (struct moon_span){out, size}), size};
    free(out);
    return text;
}

static struct moon_dkim judge(struct text text)
{
    char *record = moon_sign_record(key, 0);
    const char *zone = moon_case_txt(arena, "r._domainkey.example.com", record);
    free(record);
    return moon_case_dkim(arena, zone, text.p, text.size);
}

/* What may still become a pass comes first, then what says most (moon_dkim, result). */
static void the_first_of_several_failures_speaks_for_the_message(void **state)
{
    static const struct {
        const char *selector, *algorithm;
        enum moon_result result;
    } kinds[] = {
        {"r", "rsa-sha1", MOON_RESULT_POLICY},
        {"none", "rsa-sha256", MOON_RESULT_PERMERROR},
        {"r", "rsa-sha999", MOON_RESULT_NEUTRAL},
    };
    size_t count = sizeof kinds / sizeof *kinds;

    (void)state; /* cmocka's, not used */
    for (size_t below = 0; below < count; below++) {
        for (size_t top = 0; top < count; top++) {
            struct text text = sign_again(plain, kinds[below].selector, kinds[below].algorithm);
            struct moon_dkim dkim =
                judge(sign_again(text, kinds[top].selector, kinds[top].algorithm));
            assert_int_equal(dkim.count, 2);
            assert_int_equal(dkim.sigs[0].result, kinds[top].result);
            assert_int_equal(dkim.sigs[1].result, kinds[below].result);
            assert_int_equal(dkim.result, kinds[top < below ? top : below].result);
        }
    }
}

static void verifies_as_many_signatures_as_are_looked_at(void **state)
{
    struct text text = plain;

    (void)state; /* cmocka's, not used */
    for (unsigned i = 0; i < MOON_SIG_MAX + 1; i++)
        text = sign_again(text, "r", "rsa-sha256");
    struct moon_dkim dkim = judge(text);
    assert_int_equal(dkim.count, MOON_SIG_MAX);
    assert_int_equal(dkim.found, MOON_SIG_MAX + 1);
    for (unsigned i = 0; i < MOON_SIG_MAX; i++)
        assert_int_equal(dkim.sigs[i].result, MOON_RESULT_PASS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_of_several_failures_speaks_for_the_message,
                                        arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(verifies_as_many_signatures_as_are_looked_at, arena_begin,
                                        arena_end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    key = moon_sign_key_load("tests/support/keys/rsa1024.pem");
    if (!key)
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    EVP_PKEY_free(key);
    return rc;
}
