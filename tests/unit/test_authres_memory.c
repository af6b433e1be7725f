/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/auth/authres.c: our field is there as a whole or not at all when memory runs out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/auth/authres.h"
#include "tests/support/arena_case.h"
#include "tests/support/authres_case.h"

static void says_when_memory_runs_out(void **state)
{
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    struct moon_dkim_sig sig = authres_case_signature();
    char *text = NULL;
    (void)state; /* cmocka's, not used */
    results.dkim = (struct moon_dkim){.sigs = &sig, .count = 1, .found = 1};
    for (size_t n = 1; !text; n++) {
        assert_true(n < 1000);
        moon_arena_fail_at(arena, n);
        text = moon_authres_compose(arena, &msg, &results);
        assert_true(n > 1 || !text);
    }
    moon_arena_fail_at(arena, 0);
    assert_string_equal(text, moon_authres_compose(arena, &msg, &results));
}

/* Whatever room is left in what is there already: a property is never left out for want of memory.
 */
static void writes_all_or_nothing_when_memory_runs_out(void **state)
{
    struct moon_message msg = authres_case_message();
    struct moon_results results = authres_case_results();
    struct moon_dkim_sig sig = authres_case_signature();
    (void)state; /* cmocka's, not used */
    /* each length without a signature and with one */
    for (int i = 2; i < 260; i++) {
        char *name = moon_arena_printf(arena, "%0*d", i / 2, 0), *got = NULL;
        results.authserv_id = name;
        results.dkim = (struct moon_dkim){.sigs = &sig, .count = (size_t)i % 2};
        char *want = moon_authres_compose(arena, &msg, &results);
        assert_non_null(want);
        for (size_t n = 1; !got; n++) {
            moon_arena_fail_at(arena, n);
            got = moon_authres_compose(arena, &msg, &results);
        }
        moon_arena_fail_at(arena, 0);
        assert_string_equal(got, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(says_when_memory_runs_out, arena_begin, arena_end),
        cmocka_unit_test_setup_teardown(writes_all_or_nothing_when_memory_runs_out, arena_begin,
                                        arena_end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
