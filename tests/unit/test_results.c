/* SPDX-License-Identifier: MIT
 *
 * results: the words of the enumerations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/auth/results.h"
#include "engine/base/status.h"

/* RFC 8601 section 2.7 */
static void names_every_result_with_the_word_of_the_registry(void **state)
{
    static const struct {
        enum moon_result result;
        const char *want;
    } table[] = {
        {MOON_RESULT_NONE, "none"},           {MOON_RESULT_PASS, "pass"},
        {MOON_RESULT_FAIL, "fail"},           {MOON_RESULT_SOFTFAIL, "softfail"},
        {MOON_RESULT_NEUTRAL, "neutral"},     {MOON_RESULT_POLICY, "policy"},
        {MOON_RESULT_TEMPERROR, "temperror"}, {MOON_RESULT_PERMERROR, "permerror"},
    };

    (void)state; /* cmocka's argument, nothing is set up */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_string_equal(moon_result_name(table[i].result), table[i].want);
}

/* RFC 9989 section 4.7 */
static void names_every_policy_and_leaves_the_absent_one_empty(void **state)
{
    (void)state; /* as above */
    assert_string_equal(moon_dmarc_policy_name(MOON_DMARC_POLICY_ABSENT), "");
    assert_string_equal(moon_dmarc_policy_name(MOON_DMARC_POLICY_NONE), "none");
    assert_string_equal(moon_dmarc_policy_name(MOON_DMARC_POLICY_QUARANTINE), "quarantine");
    assert_string_equal(moon_dmarc_policy_name(MOON_DMARC_POLICY_REJECT), "reject");
}

static void names_every_outcome_of_a_term(void **state)
{
    (void)state; /* as above */
    assert_string_equal(moon_spf_outcome_name(MOON_SPF_OUTCOME_NO_MATCH), "no match");
    assert_string_equal(moon_spf_outcome_name(MOON_SPF_OUTCOME_MATCH), "match");
    assert_string_equal(moon_spf_outcome_name(MOON_SPF_OUTCOME_VOID), "void");
    assert_string_equal(moon_spf_outcome_name(MOON_SPF_OUTCOME_ERROR), "error");
    assert_string_equal(moon_spf_outcome_name(MOON_SPF_OUTCOME_FOLLOWED), "followed");
}

/* In production the program goes on. */
static void a_value_that_is_none_gets_a_harmless_word(void **state)
{
    (void)state; /* as above */
    moon_bug_is_fatal = false;
    assert_string_equal(moon_result_name((enum moon_result)99), "none");
    assert_string_equal(moon_dmarc_policy_name((enum moon_dmarc_policy)99), "");
    assert_string_equal(moon_spf_outcome_name((enum moon_spf_outcome)99), "no match");
    moon_bug_is_fatal = true;
}

/* What is asked for, and why: any difference is worth a line. */
static void any_difference_of_two_dmarc_results_is_one(void **state)
{
    const struct moon_dmarc one = {.result = MOON_RESULT_FAIL,
                                   .policy = MOON_DMARC_POLICY_REJECT,
                                   .dkim_aligned = false,
                                   .spf_aligned = true};
    struct moon_dmarc others[5] = {one, one, one, one, one};

    (void)state; /* as above */
    others[0].result = MOON_RESULT_PASS;
    others[1].policy = MOON_DMARC_POLICY_NONE;
    others[2].dkim_aligned = true;
    others[3].spf_aligned = false;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(moon_dmarc_differs(&one, &others[i]), i < 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_every_result_with_the_word_of_the_registry),
        cmocka_unit_test(names_every_policy_and_leaves_the_absent_one_empty),
        cmocka_unit_test(names_every_outcome_of_a_term),
        cmocka_unit_test(a_value_that_is_none_gets_a_harmless_word),
        cmocka_unit_test(any_difference_of_two_dmarc_results_is_one),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
