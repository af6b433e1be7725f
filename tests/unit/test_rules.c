/* SPDX-License-Identifier: MIT
 *
 * rules: the places of a source that make a verdict.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lua/rules.h"
#include "lua/test_lines.h"

static void every_constructor_that_is_called_is_a_rule(void **state)
{
    static const char source[] =
        "local reject <const> = moon.reject\n"            /* 1: not called */
        "-- return moon.accept {}\n"                      /* a comment */
        "local text = 'moon.defer {}'\n"                  /* a text */
        "if x then return moon.accept {} end\n"           /* 4 */
        "return reject\n"                                 /* 5: called over the line */
        "  { esc = '5.7.1' }\n"                           /* */
        "x = moon . quarantine ( { reason = 'a' } )\n"    /* 7 */
        "function policy.discard(m) end\n"                /* defined */
        "function defer(m) end\n"                         /* defined */
        "t = { accept = {}, reject = 5 }\n"               /* keys */
        "a:accept()\n"                                    /* a method of something else */
        "return c and moon.defer{ } or moon.discard{ }\n" /* 12: one a line */
        "return moon.accept";                             /* not called */
    static const struct {
        int line;
        const char *verdict;
    } want[] = {{4, "accept"}, {5, "reject"}, {7, "quarantine"}, {12, "defer"}};
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_rule *rules;
    size_t count;
    (void)state; /* cmocka's, not used */
    assert_int_equal(moon_rules_find(arena, MOON_SPAN(source), &rules, &count), MOON_OK);
    assert_int_equal(count, sizeof want / sizeof *want);
    for (size_t i = 0; i < count; i++) {
        if (rules[i].line != want[i].line || !moon_span_is(rules[i].verdict, want[i].verdict))
            fail_msg("%zu: got %d %.*s, want %d %s", i, rules[i].line, (int)rules[i].verdict.n,
                     rules[i].verdict.p, want[i].line, want[i].verdict);
    }
    moon_arena_fail_at(arena, 1);
    assert_int_equal(moon_rules_find(arena, MOON_SPAN(source), &rules, &count), MOON_ENOMEM);
    moon_arena_destroy(&arena);
}

static void tests_and_their_keys_are_found_at_their_lines(void **state)
{
    static const char source[] = "local a = { name = 'x' }\n"
                                 "policy.tests = {\n"
                                 "  { name = \"first\",\n"
                                 "    ip = '::1' },\n"
                                 "  { name = 'second', ip =\n"
                                 "    '::2' } }\n";
    static const char tricky[] = "if m.dmarc.result == \"none\" then return x .. 'joined' end\n"
                                 "local function t(name) return { name = name } end\n"
                                 "local list = { 'none', 'twice' }\n"
                                 "local n = 'set'\n"
                                 "function policy.tests() return {\n"
                                 "  { expect = { dmarc = 'none' },\n"
                                 "    name = 'none' },\n"
                                 "  t('argument'), t 'bare', { name = n },\n"
                                 "  { name = 'twice' },\n"
                                 "  { name = 'twice' } } end\n";
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_test_names names;
    (void)state; /* cmocka's, not used */
    assert_true(moon_test_names_read(arena, MOON_SPAN(source), &names));
    assert_int_equal(moon_test_names_line(&names, "first", 9), 3);
    assert_int_equal(moon_test_names_line(&names, "second", 9), 5);
    assert_int_equal(moon_test_names_line(&names, "by a loop", 9), 9);
    assert_true(moon_test_names_read(arena, MOON_SPAN(tricky), &names));
    assert_int_equal(moon_test_names_line(&names, "none", 5), 7);
    assert_int_equal(moon_test_names_line(&names, "joined", 5), 5);
    assert_int_equal(moon_test_names_line(&names, "argument", 5), 8);
    assert_int_equal(moon_test_names_line(&names, "bare", 5), 8);
    assert_int_equal(moon_test_names_line(&names, "set", 5), 4);
    assert_int_equal(moon_test_names_line(&names, "twice", 5), 9);
    assert_int_equal(moon_test_names_line(&names, "twice", 5), 10);
    assert_int_equal(moon_test_list_line(MOON_SPAN(source)), 2);
    assert_int_equal(moon_test_list_line(MOON_SPAN("a = 1\nfunction policy.tests()\nend")), 2);
    assert_int_equal(moon_test_list_line(MOON_SPAN("\n")), 1);
    assert_int_equal(moon_test_key_line(MOON_SPAN(source), "ip", 3), 4);
    assert_int_equal(moon_test_key_line(MOON_SPAN(source), "ip", 5), 5);
    assert_int_equal(moon_test_key_line(MOON_SPAN(source), "nothing", 5), 5);
    moon_arena_fail_at(arena, 1);
    assert_false(moon_test_names_read(arena, MOON_SPAN(source), &names));
    moon_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_constructor_that_is_called_is_a_rule),
        cmocka_unit_test(tests_and_their_keys_are_found_at_their_lines),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
