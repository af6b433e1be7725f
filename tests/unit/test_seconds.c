/* SPDX-License-Identifier: MIT
 *
 * seconds: lengths of time as people write them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/base/seconds.h"
#include "engine/base/status.h"

static void times_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t want;
    } table[] = {
        {"90s", 90},
        {"15m", 900},
        {"24h", 86400},
        {"7d", 604800},
        {"0s", 0},
        {"", -1},
        {"d", -1},
        {"7", -1},
        {"7 d", -1},
        {"-7d", -1},
        {"7D", -1},
        {"7dd", -1},
        {"1.5h", -1},
        {"7w", -1},
        {"1000000d", 86400000000},
        {"1000001s", -1},
        {"99999999999999999999d", -1},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t got = moon_seconds_of(moon_span_of(table[i].text));
        if (got != table[i].want)
            fail_msg("%s: got %lld, want %lld", table[i].text, (long long)got,
                     (long long)table[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
