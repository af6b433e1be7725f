/* SPDX-License-Identifier: MIT
 *
 * store: windows, spaces, first times, and what happens without an answer; with the store in
 * memory. The same cases run on SQLite and Redis in test_store_sqlite.c and test_store_redis.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/base/limits.h"
#include "tests/support/store_case.h"

static struct moon_store *memory(void)
{
    struct moon_store *store;
    assert_int_equal(moon_store_memory(&store, NULL), MOON_OK);
    return store;
}

static void counts_and_first_times(void **state)
{
    (void)state; /* cmocka's, not used */
    struct moon_store *store = memory();
    store_case_all(store, true);
    assert_int_equal(moon_store_missed(store), 0);
    assert_null(moon_store_trouble(store));
    moon_store_destroy(&store);
    assert_null(store);
}

static void what_does_not_fit_has_no_answer_and_is_counted(void **state)
{
    (void)state; /* cmocka's, not used */
    struct moon_store *store = memory();
    size_t taken = 0;
    for (unsigned i = 0; i < 12000; i++) {
        struct moon_store_question q = store_case_question("t full", "", 3600, 1);
        int64_t count;
        const char *why = NULL;
        q.key = (struct moon_span){(const char *)&i, sizeof i};
        if (moon_store_count(store, &q, &count, &why))
            taken++;
        else
            assert_string_equal(why, "store: full");
    }
    assert_true(taken >= 8000 && taken < 12000);
    assert_int_equal(taken + moon_store_missed(store), 12000);
    moon_store_destroy(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_first_times),
        cmocka_unit_test(what_does_not_fit_has_no_answer_and_is_counted),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
