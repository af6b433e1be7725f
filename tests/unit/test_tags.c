/* SPDX-License-Identifier: MIT
 *
 * Tag lists (RFC 6376 section 3.2).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/message/tags.h"
#include "tests/support/arena_case.h"

/* The list as "name=value|name=value", or "! reason". */
static const char *shown(struct moon_span text)
{
    struct moon_tags tags;
    const char *reason;
    struct moon_str str;
    assert_int_equal(moon_tags_parse(arena, text, &tags, &reason), MOON_OK);
    moon_str_begin(&str, arena);
    if (reason) {
        assert_int_equal(tags.count, 0);
        moon_str_addf(&str, "! %s", reason);
    }
    for (size_t i = 0; i < tags.count; i++) {
        moon_str_add(&str, i ? "|" : "");
        moon_str_add_span(&str, tags.items[i].name);
        moon_str_add_char(&str, '=');
        moon_str_add_span(&str, tags.items[i].value);
    }
    return moon_str_end(&str);
}

#define BYTE "! a byte that tag lists do not allow"
#define NAME "! a tag name that is none"

static void reads_lists_as_the_grammar_says(void **state)
{
    static const struct {
        struct moon_span text;
        const char *want;
    } table[] = {
        {MOON_SPAN("v=1"), "v=1"},
        {MOON_SPAN("v=1;"), "v=1"},
        {MOON_SPAN("v=1; "), "v=1"},
        {MOON_SPAN(" v = 1 ; a\t=\tb c "), "v=1|a=b c"},
        {MOON_SPAN("a=;b="), "a=|b="},
        {MOON_SPAN("a=b=c=="), "a=b=c=="},
        {MOON_SPAN("a=1;A=2"), "a=1|A=2"}, /* names are case-sensitive */
        {MOON_SPAN("a_1=x"), "a_1=x"},
        {MOON_SPAN("a=1;\r\n b=2"), "a=1|b=2"},
        {MOON_SPAN("a=x\r\n y"), "a=x\r\n y"},
        {MOON_SPAN("a=x\r\n\ty"), "a=x\r\n\ty"},
        {MOON_SPAN("a=1\r\n ;b=2"), "a=1|b=2"},
        {{"a=1\r\n", 3}, "a=1"}, /* what is behind the list says nothing */
        {{"a=x\r\n y", 4}, BYTE},
        {{"a=x\r\n y", 5}, BYTE},
        {MOON_SPAN("a= \n x"), BYTE},
        {MOON_SPAN("a\r\n\t=1"), "a=1"},
        {MOON_SPAN("n=\xc3\xa4"), "n=\xc3\xa4"}, /* RFC 8616 section 4 */
        {MOON_SPAN(""), "! an empty tag"},
        {{NULL, 0}, "! an empty tag"},
        {MOON_SPAN(" "), "! an empty tag"},
        {MOON_SPAN(";"), "! an empty tag"},
        {MOON_SPAN(";a=1"), "! an empty tag"},
        {MOON_SPAN("a=1;;"), "! an empty tag"},
        {MOON_SPAN("a=1; ;b=2"), "! an empty tag"},
        {MOON_SPAN("a"), "! a tag without '='"},
        {MOON_SPAN("a=1;b"), "! a tag without '='"},
        {MOON_SPAN("a=1;a=2"), "! a tag that occurs twice"},
        {MOON_SPAN("a=1; a =1"), "! a tag that occurs twice"},
        {MOON_SPAN("=1"), NAME},
        {MOON_SPAN("1a=1"), NAME},
        {MOON_SPAN("_a=1"), NAME},
        {MOON_SPAN("a-b=1"), NAME},
        {MOON_SPAN("a b=1"), NAME},
        {MOON_SPAN("\xc3\xa4=1"), NAME},
        {MOON_SPAN("a=\0"), BYTE},
        {MOON_SPAN("a=x\x7f"), BYTE},
        {MOON_SPAN("a=x\vy"), BYTE},
        {MOON_SPAN("a=x\ny"), BYTE},
        {MOON_SPAN("a=x\n y"), BYTE},
        {MOON_SPAN("a=x\r\ny"), BYTE},
        {MOON_SPAN("a=x\ry"), BYTE},
        {MOON_SPAN("a=x\r"), BYTE},
        {MOON_SPAN("a=x\r\n"), BYTE},
        {MOON_SPAN("a=\r\nx"), BYTE},
        {MOON_SPAN("a=\rx"), BYTE},
        {MOON_SPAN("a=\n x"), BYTE},
        {MOON_SPAN("a=\xff"), BYTE},
        {MOON_SPAN("a=\x80"), BYTE},
        {MOON_SPAN("a=x\x1fy"), BYTE},
        {MOON_SPAN("a=\x21 ~"), "a=! ~"},
        {MOON_SPAN("a=\xc3"), BYTE},
        {MOON_SPAN("a=\xed\xa0\x80"), BYTE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *got = shown(table[i].text);
        if (strcmp(got, table[i].want) != 0)
            fail_msg("row %zu: got %s, want %s", i, got, table[i].want);
    }
}

static void finds_a_tag_by_its_exact_name(void **state)
{
    struct moon_tags tags;
    const char *reason;
    (void)state;
    assert_int_equal(moon_tags_parse(arena, MOON_SPAN("bh=1; b=2; B=3"), &tags, &reason), MOON_OK);
    assert_null(reason);
    assert_true(moon_span_is(moon_tags_find(&tags, "bh")->value, "1"));
    assert_true(moon_span_is(moon_tags_find(&tags, "b")->value, "2"));
    assert_true(moon_span_is(moon_tags_find(&tags, "B")->value, "3"));
    assert_null(moon_tags_find(&tags, "BH"));
    assert_null(moon_tags_find(&tags, ""));
}

static void stops_at_its_limit(void **state)
{
    struct moon_str str;
    (void)state;
    moon_str_begin(&str, arena);
    for (unsigned i = 0; i < MOON_SIG_TAGS_MAX; i++)
        moon_str_addf(&str, "t%u=%u;", i, i);
    assert_int_not_equal(shown(moon_span_of(moon_str_end(&str)))[0], '!');
    moon_str_add(&str, "one=more");
    assert_string_equal(shown(moon_span_of(moon_str_end(&str))), "! too many tags");
}

static void says_when_memory_runs_out(void **state)
{
    struct moon_tags tags;
    const char *reason;
    (void)state;
    for (size_t n = 1; n <= 3; n++) { /* a list of four grows three times */
        moon_arena_fail_at(arena, n);
        assert_int_equal(moon_tags_parse(arena, MOON_SPAN("a=;b=;c=;d="), &tags, &reason),
                         MOON_ENOMEM);
        assert_int_equal(tags.count, 0);
    }
    moon_arena_fail_at(arena, 4);
    assert_int_equal(moon_tags_parse(arena, MOON_SPAN("a=;b=;c=;d="), &tags, &reason), MOON_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_lists_as_the_grammar_says, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(finds_a_tag_by_its_exact_name, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(stops_at_its_limit, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(says_when_memory_runs_out, arena_begin, arena_end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
