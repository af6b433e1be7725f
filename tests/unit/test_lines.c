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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keys_are_found_at_their_lines)};
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
