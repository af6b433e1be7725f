/* SPDX-License-Identifier: MIT
 *
 * spf_walker: the walk by libspf2 and the plain one agree on everything a result tells, and ask the
 * same number of questions, for records made at random from a fixed seed; asking ahead changes
 * nothing. `make fuzz-differential` does the same with other seeds and for longer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/spf_random.h"

#define ROUNDS 6000

static void must_agree(unsigned round, const struct moon_spf_random *random, const char *got,
                       const char *want)
{
    if (strcmp(got, want) != 0)
        fail_msg("round %u: got \"%s\", want \"%s\" for\n%s", round, got, want, random->zone);
}

static void agree_on_records_made_at_random(void **state)
{
    static struct moon_spf_random random = {.seed = 20240501};
    static char got[2000], want[2000];
    unsigned seen[8] = {0};

    (void)state; /* the seed carries all */
    for (unsigned round = 0; round < ROUNDS; round++) {
        moon_spf_random_next(&random);
        moon_spf_random_say(&random, MOON_SPF_RANDOM_BY_PRODUCTION, true, got, sizeof got);
        moon_spf_random_say(&random, MOON_SPF_RANDOM_BY_ORACLE, true, want, sizeof want);
        must_agree(round, &random, got, want);
        for (unsigned result = 0; result < 8; result++)
            seen[result] +=
                strncmp(got, moon_result_name((enum moon_result)result), strcspn(got, ";")) == 0;
    }
    /* The records are worth something only if every result comes up often. */
    assert_true(seen[MOON_RESULT_PASS] > 300 && seen[MOON_RESULT_FAIL] > 300 &&
                seen[MOON_RESULT_SOFTFAIL] > 300 && seen[MOON_RESULT_NEUTRAL] > 300 &&
                seen[MOON_RESULT_PERMERROR] > 300 && seen[MOON_RESULT_TEMPERROR] > 100);
}

static void asking_ahead_changes_no_result(void **state)
{
    static struct moon_spf_random random = {.seed = 20240502};
    static char got[2000], want[2000];

    (void)state; /* the seed carries all */
    for (unsigned round = 0; round < ROUNDS / 3; round++) {
        moon_spf_random_next(&random);
        moon_spf_random_say(&random, MOON_SPF_RANDOM_BY_PREFETCH, false, got, sizeof got);
        moon_spf_random_say(&random, MOON_SPF_RANDOM_BY_ORACLE, false, want, sizeof want);
        must_agree(round, &random, got, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agree_on_records_made_at_random),
        cmocka_unit_test(asking_ahead_changes_no_result),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
