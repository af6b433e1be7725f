/* SPDX-License-Identifier: MIT
 *
 * lines: where a key of a table stands in its source, for messages about it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/status.h"
#include "lua/lines.h"

static void keys_are_found_at_their_lines(void **state)
{
    static const char source[] = "-- { policy = 1 }\n--[[ { policy = 2\n} ]]\nlocal x = { 5 }\n"
                                 "return {\n  policy = \"}{\",\n  dns = { servers = {\n    'a',\n"
                                 "    'b' },\n    timeout_ms = 1 }, [\"log\"] = {\n"
                                 "    path = [==[ ]] ]==] },\n  { name = 'x',\n    dkim = 'y' },\n"
                                 "}\n";
    static const struct {
        const char *path;
        int want;
    } table[] = {
        {"policy", 6},          {"dns", 7},       {"dns.servers", 7},  {"dns.servers.2", 9},
        {"dns.timeout_ms", 10}, {"log.path", 11}, {"log.nothing", 10}, {"1.dkim", 13},
        {"nothing", 1}};
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int got = moon_lines_find(MOON_SPAN(source), table[i].path);
        if (got != table[i].want)
            fail_msg("%s: got %d, want %d", table[i].path, got, table[i].want);
    }
}

static void items_are_found_at_their_lines(void **state)
{
    static const struct {
        const char *source;
        int want[4];
    } table[] = {
        {"return {\n'a.example',\n\n{ name = 'b' }, 'c.example';\n{ 1,\n2, 3 },\n}", {2, 4, 4, 5}},
        {"local x = { 1,\n2 }\nreturn {\n{ dkim = 'a' },\n{\n} }", {4, 5, 0, 0}},
        {"return { name = 'a',\n['note'] = 'b',\n'c.example',\nx == 1 and 'd.e' or\n'f.g',\n{} }",
         {3, 4, 6, 0}},
        {"local t = {}\nfor i = 1, 3 do t[i] = { name = 'x' } end\nreturn t", {0, 0, 0, 0}},
        {"return {}", {0, 0, 0, 0}},
        {"}} = { = , ; 'a'", {1, 1, 1, 0}},
        {"", {0, 0, 0, 0}},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        for (size_t count = 0; count <= 4; count++) {
            int got[5] = {7, 7, 7, 7, 7};
            moon_lines_items(moon_span_of(table[i].source), got, count);
            for (size_t k = 0; k < count; k++)
                if (got[k] != table[i].want[k])
                    fail_msg("%s: item %zu of %zu: got %d, want %d", table[i].source, k + 1, count,
                             got[k], table[i].want[k]);
            assert_int_equal(got[count], 7);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keys_are_found_at_their_lines),
                                       cmocka_unit_test(items_are_found_at_their_lines)};
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
