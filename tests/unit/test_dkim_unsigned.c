/* SPDX-License-Identifier: MIT
 *
 * Tests of step 7 in engine/auth/dkim.c: the fields that stand on top of signed ones of their name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/dkim.h"
#include "engine/trial/sign.h"
#include "tests/support/dkim_case.h"

/* RFC 6376 section 8.15. A name that h= lists once more than there were fields leaves no room. */
static void names_what_was_put_on_top_of_a_signed_field(void **state)
{
    static const struct {
        const char *headers, *top, *want; /* put on top when it was signed; names, a blank before */
    } table[] = {
        {"from:subject", "", ""},
        {"from:subject", "To: x\r\n", ""},
        {"from:subject", "Subject: x\r\n", " subject"},
        {"from:subject", "From: x@example.com\r\n", " from"},
        {"from:subject", "From: x@example.com\r\nSubject: x\r\n", " from subject"},
        {"from:subject:subject", "", ""},
        {"from:subject:subject", "Subject: x\r\n", ""},
        {"from:subject:from:subject", "Subject: x\r\n", ""},
        {"from:subject:subject", "Subject: x\r\nSubject: y\r\n", " subject"},
        {"subject:from:subject", "Subject: x\r\nSubject: y\r\n", " subject"},
    };
    static const char plain[] = "From: a@example.com\r\nSubject: s\r\n\r\nbody\r\n";
    struct moon_arena *arena = moon_arena_create(16u << 20);
    EVP_PKEY *key = moon_sign_key_load("tests/support/keys/ed25519.pem");
    (void)state; /* cmocka's, not used */
    assert_non_null(key);
    char *record = moon_sign_record(key, 0);
    const char *zone = moon_case_txt(arena, "s._domainkey.example.com", record);
    free(record);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_sign sign = moon_sign_default("example.com", "s");
        struct moon_str names;
        size_t size = 0;
        sign.headers = table[i].headers;
        char *text = moon_sign_message(&sign, key, plain, sizeof plain - 1, &size);
        assert_non_null(text);
        char *whole = moon_arena_printf(arena, "%s%.*s", table[i].top, (int)size, text);
        free(text);
        struct moon_dkim dkim = moon_case_dkim(arena, zone, whole, strlen(whole));
        assert_int_equal(dkim.count, 1);
        moon_str_begin(&names, arena);
        for (size_t k = 0; k < dkim.sigs[0].unsigned_field_count; k++)
            moon_str_addf(&names, " %s", dkim.sigs[0].unsigned_fields[k]);
        const char *got = moon_str_end(&names);
        if (strcmp(got, table[i].want) != 0)
            fail_msg("%s below %s: got '%s', want '%s'", table[i].headers, table[i].top, got,
                     table[i].want);
    }
    EVP_PKEY_free(key);
    moon_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_what_was_put_on_top_of_a_signed_field),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
