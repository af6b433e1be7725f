/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/sig_base64.c: RFC 6376 section 2.10.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/sig_base64.h"

static const struct {
    const char *text, *want; /* NULL: refused */
} table[] = {
    {"Zg==", "f"},
    {"Zm8=", "fo"},
    {"Zm9v", "foo"},
    {"Zm9vYg==", "foob"},
    {"Zm9vYmFy", "foobar"},
    {"Zm9v\r\n\tYmFy", "foobar"},
    {"Z m 8 =", "fo"},
    {"Zg=\r\n =", "f"},
    {"", NULL},
    {" ", NULL},
    {"Zg", NULL},
    {"Zg=", NULL},
    {"Zm8", NULL},
    {"Zg===", NULL},
    {"Zm9v=", NULL},
    {"Zm9v====", NULL},
    {"Zh==", NULL},
    {"ZE==", NULL},
    {"Zm9=", NULL},
    {"Z", NULL},
    {"Zm9vY", NULL},
    {"Zg==Zg==", NULL},
    {"Zm9vQ===", NULL},
    {"Z*==", NULL},
    {"Zm-v", NULL},
    {"Zm_v", NULL},
    {"====", NULL},
    {"Zm9v\x80", NULL},
    {"Zm9v;", NULL},
    {"=Zg=", NULL},
};

static void decodes_exactly_base64(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_arena *arena = moon_arena_create(10000);
        struct moon_span bytes;
        bool valid;
        assert_int_equal(moon_sig_base64_decode(arena, moon_span_of(table[i].text), &bytes, &valid),
                         MOON_OK);
        assert_true(valid || bytes.n == 0);
        if (valid != (table[i].want != NULL) || (valid && !moon_span_is(bytes, table[i].want)))
            fail_msg("'%s': got %s, want %s", table[i].text, valid ? "bytes" : "a refusal",
                     table[i].want ? table[i].want : "a refusal");
        moon_arena_destroy(&arena);
    }
}

/* RFC 4648 section 4: the alphabet and nothing else. */
static void knows_every_byte_of_the_alphabet(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (void)state;
    for (int c = 1; c < 256; c++) {
        struct moon_arena *arena = moon_arena_create(10000);
        char text[] = {'A', 'A', 'A', (char)c};
        const char *at = strchr(alphabet, (char)c);
        struct moon_span bytes;
        bool valid;
        assert_int_equal(moon_sig_base64_decode(arena, (struct moon_span){text, 4}, &bytes, &valid),
                         MOON_OK);
        if (valid != (at != NULL || c == '='))
            fail_msg("byte %d: got %d", c, valid);
        if (at)
            assert_int_equal(bytes.p[2], at - alphabet);
        moon_arena_destroy(&arena);
    }
}

static void reads_back_what_it_writes(void **state)
{
    char bytes[64];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 37 + 200);
    for (size_t n = 1; n <= sizeof bytes; n++) {
        struct moon_arena *arena = moon_arena_create(10000);
        struct moon_span back;
        bool valid;
        char *text = moon_sig_base64_encode(arena, (struct moon_span){bytes, n});
        assert_non_null(text);
        char *next = moon_arena_dup(arena, MOON_SPAN("next")); /* nothing runs into it */
        assert_int_equal(moon_sig_base64_decode(arena, moon_span_of(text), &back, &valid), MOON_OK);
        assert_string_equal(next, "next");
        assert_true(valid && moon_span_eq(back, (struct moon_span){bytes, n}));
        moon_arena_destroy(&arena);
    }
}

static void reports_exhausted_memory(void **state)
{
    struct moon_arena *arena = moon_arena_create(10000);
    struct moon_span bytes;
    bool valid;
    (void)state;
    moon_arena_fail_at(arena, 1);
    assert_int_equal(moon_sig_base64_decode(arena, MOON_SPAN("Zg=="), &bytes, &valid), MOON_ENOMEM);
    assert_false(valid);
    assert_null(moon_sig_base64_encode(arena, MOON_SPAN("f")));
    moon_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_exactly_base64),
        cmocka_unit_test(knows_every_byte_of_the_alphabet),
        cmocka_unit_test(reads_back_what_it_writes),
        cmocka_unit_test(reports_exhausted_memory),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
