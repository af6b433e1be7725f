/* SPDX-License-Identifier: MIT
 *
 * sanitize: what reaches Exim as reply or field, whatever was put in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/verdict/decide.h"
#include "local_scan/clean.h"
#include "tests/support/arena_case.h"

static void replies_are_ascii_lines_with_the_code_in_front(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"no", "5.7.1 no"},
        {"a\nb", "5.7.1 a\n5.7.1 b"},
        {"a\r\n250 ok\r\n", "5.7.1 a\n5.7.1 250 ok"},
        {"\n\n  a  \n\n", "5.7.1 a"},
        {"", "5.7.1 Policy"},
        {"gr\xc3\xbc\xc3\x9f\x01", "5.7.1 gr?????"},
        {"1\n2\n3\n4\n5\n6", "5.7.1 1\n5.7.1 2\n5.7.1 3\n5.7.1 4\n5.7.1 5"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(moon_reply_text(arena, "5.7.1", cases[i].text), cases[i].want);
}

static void a_reply_line_is_cut_at_its_limit(void **state)
{
    char text[2 * MOON_REPLY_LINE_MAX];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(strlen(moon_reply_text(arena, "5.7.1", text)), 6 + MOON_REPLY_LINE_MAX);
}

static void fields_cannot_end_early(void **state)
{
    static const struct {
        const char *field, *want;
    } cases[] = {
        {"X-A: b", "X-A: b"},
        {"X-A: b\n", "X-A: b"},
        {"X-A: b\r\n c", "X-A: b \n c"},
        {"X-A: b\n c", "X-A: b\n c"},
        {"X-A: b\nX-Evil: c", "X-A: b X-Evil: c"},
        {"X-A: b\n\nBody", "X-A: b  Body"},
        {"X-A: b\n \nBody", "X-A: b   Body"},
        {"X-A: b\x01", "X-A: b?"},
        {"X-A: b\x7f", "X-A: b?"},
        {"X-A \t: b", "X-A: b"},
        {"no field", NULL},
        {": empty", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = NULL;
        assert_int_equal(moon_field_sanitize(arena, cases[i].field, &got), MOON_OK);
        if (!cases[i].want)
            assert_null(got);
        else
            assert_string_equal(got, cases[i].want);
    }
}

static void long_fields_are_folded_and_cut(void **state)
{
    static char text[3 * MOON_FIELD_BYTES_MAX];
    const char *got = NULL;
    size_t line = 0;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "X-A: ", 5);
    assert_int_equal(moon_field_sanitize(arena, text, &got), MOON_OK);
    assert_true(strlen(got) <= MOON_FIELD_BYTES_MAX);
    for (const char *c = got; *c; c++) {
        line = *c == '\n' ? 0 : line + 1;
        assert_true(line <= MOON_FIELD_LINE_MAX);
    }
}

/* The module refuses what it would have to mend: nothing that leaves here may be of that kind. */
static void long_white_space_makes_no_empty_line(void **state)
{
    static char text[2 * MOON_FIELD_BYTES_MAX];
    static const size_t spaces[] = {900, 990, 1000, 1990, 2500, 7990, 7999, 9000};
    const char *got = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        (void)snprintf(text, sizeof text, "X-A:%*s\n c%*sd", (int)spaces[i], " ", (int)spaces[i],
                       " ");
        assert_int_equal(moon_field_sanitize(arena, text, &got), MOON_OK);
        assert_true(moon_clean_field_ok(moon_span_of(got)));
    }
}

static void a_name_that_fills_a_line_is_no_field(void **state)
{
    static char text[2000];
    const char *got = "";

    (void)state;
    memset(text, 'x', sizeof text - 1);
    memcpy(text + 990, ": y", 3);
    assert_int_equal(moon_field_sanitize(arena, text, &got), MOON_OK);
    assert_null(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_ascii_lines_with_the_code_in_front),
        cmocka_unit_test(a_reply_line_is_cut_at_its_limit),
        cmocka_unit_test(fields_cannot_end_early),
        cmocka_unit_test(long_fields_are_folded_and_cut),
        cmocka_unit_test(long_white_space_makes_no_empty_line),
        cmocka_unit_test(a_name_that_fills_a_line_is_no_field),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
