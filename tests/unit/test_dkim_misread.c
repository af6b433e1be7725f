/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/dkim_misread.c: what goes to the signature core, and that nothing else does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/auth/dkim_misread.h"
#include "tests/support/arena_case.h"

#define NOW   1700000000
#define START "a=rsa-sha256; d=example.com; s=s; h=from; bh=; "

/* The field has the first `n` bytes of the text. */
static struct moon_field field_of(const char *text, size_t n)
{
    struct moon_field field;
    bool is_field = false;
    struct moon_span span = {text, n};

    assert_int_equal(moon_field_parse(arena, span, &field, &is_field), MOON_OK);
    assert_true(is_field);
    return field;
}

static bool misread_form(const char *text, size_t n)
{
    struct moon_field field = field_of(text, n);
    struct moon_sig sig;

    assert_int_equal(moon_sig_parse(arena, &field, NOW, &sig), MOON_OK);
    assert_true(sig.tags.count > 0);
    return moon_dkim_misread_form(&sig);
}

static void a_form_is_misread_only_when_the_library_does(void **state)
{
    static const struct {
        const char *text;
        bool want;
    } table[] = {
        {"DKIM-Signature: v=1; " START "b=QUJD", false},
        {"DKIM-Signature:\r\n\tv=1;\r\n " START "\r\n b=QUJD;", false},
        {"DKIM-Signature : v=1; " START "b=QUJD", false},
        {"DKIM-Signature\t: v=1; " START "b=QUJD", true},
        {"DKIM-Signature\r\n : v=1; " START "b=QUJD", true},
        {"DKIM-Signature: v=1; " START "n=\xc3\x80; b=QUJD", true},
        {"DKIM-Signature: v=1; " START "xb=1; b=QUJD", true},
        {"DKIM-Signature: xb=1; v=1; " START "b=QUJD", true},
        {"DKIM-Signature: v=1; " START "bx=1; b=QUJD", false},
        {"DKIM-Signature: v=1; " START "b =QUJD", true},
        {"DKIM-Signature: b =QUJD; v=1; " START, true},
        {"DKIM-Signature: v=1; " START "t=0; b=QUJD", true},
        {"DKIM-Signature: v=1; " START "t=299; b=QUJD", true},
        {"DKIM-Signature: v=1; " START "t=300; b=QUJD", false},
        {"DKIM-Signature: v=1; " START "i=a@example.com; b=QUJD", false},
        {"DKIM-Signature: v=1; " START "i=\"a@b\"@example.com; b=QUJD", true},
        {"DKIM-Signature: v=1; " START "i=; b=QUJD", false},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (misread_form(table[i].text, strlen(table[i].text)) != table[i].want)
            fail_msg("%s: want %s", table[i].text, table[i].want ? "misread" : "not");
}

static void what_stands_behind_a_field_is_not_looked_at(void **state)
{
    static const char form[] = "DKIM-Signature: v=1; " START "b=QUJD\xc3", text[] = "A: b\r";
    (void)state; /* cmocka's, not used */
    assert_false(misread_form(form, sizeof form - 2));
    struct moon_field field = field_of(text, sizeof text - 2);
    assert_false(moon_dkim_misread_field(&field, MOON_SIG_CANON_RELAXED));
}

static void odd_white_space_of_a_covered_field_is_misread(void **state)
{
    static const struct {
        const char *text;
        bool relaxed, simple;
    } table[] = {
        {"A: b \t c\r\n d\r\n\te", false, false},
        {"A : b", false, false},
        {"A\t: b", true, true},
        {"A: b\vc", true, false},
        {"A: b\fc", true, false},
        {"A: b\rc", true, false},
        {"A: b\r\n c\rd", true, false},
        {"A: b\r", true, false},
        {"A: b\r\r\n c", true, false},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_field field = field_of(table[i].text, strlen(table[i].text));
        if (moon_dkim_misread_field(&field, MOON_SIG_CANON_RELAXED) != table[i].relaxed ||
            moon_dkim_misread_field(&field, MOON_SIG_CANON_SIMPLE) != table[i].simple)
            fail_msg("case %zu: want %d, %d", i, table[i].relaxed, table[i].simple);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_form_is_misread_only_when_the_library_does, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(what_stands_behind_a_field_is_not_looked_at, arena_begin,
                                        arena_end),
        cmocka_unit_test_setup_teardown(odd_white_space_of_a_covered_field_is_misread, arena_begin,
                                        arena_end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
