/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/profile_check.c: what a profile may be, and that ours are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lua/embedded.h"
#include "lua/profiles.h"

static const struct moon_limits limits = {10000000, 8 << 20, 20000};
static char dated[11];

#define TOP                                                                                        \
    "return { name = 'mine', title = 'Mine', dated = '2026-01-01', esc = '5.7.1',\n"               \
    "sources = { { title = 'a', url = 'b', dated = '2026-01-01' } },\n"
#define TLS "{ requirement = 'tls', of = 'all', text = 'TLS' }"

static void a_profile_is_data_and_small_rules(void **state)
{
    static const char *const table[] = {
        TOP "requires = { " TLS " } }",
        TOP "bulk = { messages = 1 }, requires = { " TLS " } }",
        TOP
        "note = 'n', bulk = { messages = 5000, sticky = true }, requires = { " TLS ",\n"
        "{ requirement = 'spf', of = 'bulk', text = '{domain}', esc = '5.7.23', advice = true },\n"
        "{ requirement = 'my own', of = 'all', text = 't', holds = function(m) end } } }",
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct moon_error error = {""};
        if (moon_profile_check(&limits, moon_span_of(table[i]), "profiles/mine.lua", dated, &error))
            fail_msg("%s: %s", table[i], error.text);
    }
}

static void a_wrong_profile_is_refused_with_its_line(void **state)
{
    static const char *const table[][2] = {
        {"return 5", "profiles/mine.lua:1: a profile returns a table"},
        {"return {}", "name is missing"},
        {"return { name = 'other' }", "name must be that of the file: \"mine\""},
        {"return { nmae = 'mine' }", "there is no field 'nmae'; did you mean 'name'?"},
        {"return { name = 'mine' }", "title is missing"},
        {"return { name = 'mine', title = 'm' }", "dated is missing"},
        {"return { name = 'mine', title = 'm',\ndated = 'today' }",
         "mine.lua:2: dated must be a date"},
        {"return { name = 'mine', title = 'm', dated = '2026-01-01' }", "sources is missing"},
        {"return { name = 'mine', title = 'm', dated = '2026-01-01', sources = {} }",
         "sources: a list of 1 to 50"},
        {"return { name = 'mine', title = 'm', dated = '2026-01-01', sources = { 'x' } }",
         "a table with title, url, dated is wanted"},
        {"return { name = 'mine', title = 'm', dated = '2026-01-01',\nsources = { { title = 'a',\n"
         "link = 'x' } } }",
         "mine.lua:3: there is no field 'link'"},
        {TOP "bulk = 5000, requires = { " TLS " } }", "bulk must be a list, not a number"},
        {TOP "bulk = {}, requires = { " TLS " } }", "bulk: messages is missing"},
        {TOP "bulk = { messages = 0 }, requires = { " TLS " } }",
         "messages must be a whole number"},
        {TOP "bulk = { messages = 1.5 }, requires = { " TLS " } }",
         "messages must be a whole number"},
        {TOP "bulk = { messages = 5, stick = true }, requires = { " TLS " } }",
         "there is no field 'stick'; did you mean 'sticky'?"},
        {TOP "bulk = { messages = 5,\nsticky = 1 }, requires = { " TLS " } }",
         "mine.lua:4: sticky must be a true or false, not a number"},
        {"return { name = 'mine', title = 'm', dated = '2026-01-01', requires = { " TLS " },\n"
         "sources = { { title = 'a', url = 'b', dated = '2026-01-01' } } }",
         "esc is missing"},
        {"return { name = 'mine', title = 'm', dated = '2026-01-01', requires = { " TLS " },\n"
         "sources = { { title = 'a', url = 'b', dated = '2026-01-01' } },\nesc = '4.7.1' }",
         "mine.lua:3: esc must be an enhanced status code like"},
        {TOP "}", "requires is missing"},
        {TOP "requires = {} }", "requires: a list of 1 to 100"},
        {TOP "requires = { 5 } }", "requires: each is a table"},
        {TOP "requires = { " TLS ",\n{ requirement = 'spff', of = 'all', text = 't' } } }",
         "mine.lua:4: there is no rule 'spff'; did you mean 'spf'?"},
        {TOP "requires = { { requirement = 'zzzzzz', of = 'all', text = 't' } } }",
         "a rule of your own is a function: holds = function(m) ... end"},
        {TOP "requires = { { requirement = 'x', holds = 5, of = 'all', text = 't' } } }",
         "holds must be a function, not a number"},
        {TOP "requires = { { requirement = 'tls', of = 'everybody', text = 't' } } }",
         "of must be \"all\" or \"bulk\", not \"everybody\""},
        {TOP "requires = { { requirement = 'tls', of = 'bulk', text = 't' } } }",
         "but the profile does not say who is"},
        {TOP "requires = { { requirement = 'tls', of = 'all' } } }", "text is missing"},
        {TOP "requires = { { requirement = 'tls', of = 'all', text = 't', esc = '5.7' } } }",
         "esc must be an enhanced status code like"},
        {TOP "requires = { { requirement = 'tls', of = 'all', text = 't', esc = '5.7.1 x' } } }",
         "esc must be an enhanced status code like"},
        {TOP "requires = { { requirement = 'tls', of = 'all', text = 't', fatal = true } } }",
         "there is no field 'fatal'"},
        {"return os.time()", "'os' is not available"},
        {"while true do end", "instruction limit of 10000000 reached"},
        {"return {", "profiles/mine.lua:1:"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct moon_error error = {""};
        enum moon_status status = moon_profile_check(&limits, moon_span_of(table[i][0]),
                                                     "profiles/mine.lua", dated, &error);
        if (status == MOON_OK || !strstr(error.text, table[i][1]))
            fail_msg("%s: got '%s', want '%s'", table[i][0], error.text, table[i][1]);
    }
}

static void the_shipped_profiles_are_in_order(void **state)
{
    size_t count = 0;
    (void)state; /* cmocka's, not used */
    for (const struct moon_embedded *e = moon_embedded; e->name; e++) {
        struct moon_error error = {""};
        if (strncmp(e->name, "policies/profiles/", 18) != 0 || strstr(e->name, "rules.lua") ||
            strstr(e->name, "providers.lua"))
            continue;
        if (moon_profile_check(&limits, moon_span_of(e->text), e->name, dated, &error))
            fail_msg("%s", error.text);
        count++;
    }
    assert_int_equal(count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_is_data_and_small_rules),
        cmocka_unit_test(a_wrong_profile_is_refused_with_its_line),
        cmocka_unit_test(the_shipped_profiles_are_in_order),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
