/* SPDX-License-Identifier: MIT
 *
 * merge: the whole table of two tenants, and what three do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/verdict/merge.h"

#define A MOON_VERDICT_ACCEPT
#define Q MOON_VERDICT_QUARANTINE
#define R MOON_VERDICT_REJECT
#define D MOON_VERDICT_DEFER
#define X MOON_VERDICT_DISCARD

/* want: action, then the fates of both (d deliver, q quarantine, x discard, - not taken), split */
static const struct {
    enum moon_verdict_kind first, second;
    enum moon_action action;
    const char *fates;
    bool split;
} pairs[] = {
    {A, A, MOON_ACTION_ACCEPT, "dd", false}, {A, Q, MOON_ACTION_ACCEPT, "dq", true},
    {A, R, MOON_ACTION_ACCEPT, "dq", true},  {A, D, MOON_ACTION_ACCEPT, "dq", true},
    {A, X, MOON_ACTION_ACCEPT, "dx", true},  {Q, Q, MOON_ACTION_ACCEPT, "qq", false},
    {Q, R, MOON_ACTION_ACCEPT, "qq", true},  {Q, D, MOON_ACTION_ACCEPT, "qq", true},
    {Q, X, MOON_ACTION_ACCEPT, "qx", true},  {R, R, MOON_ACTION_REJECT, "--", false},
    {R, D, MOON_ACTION_DEFER, "--", false},  {R, X, MOON_ACTION_REJECT, "--", false},
    {D, D, MOON_ACTION_DEFER, "--", false},  {D, X, MOON_ACTION_DEFER, "--", false},
    {X, X, MOON_ACTION_ACCEPT, "xx", false},
};

static char letter(enum moon_fate fate)
{
    return "dqx"[fate];
}

static void check_pair(size_t i, bool turned)
{
    struct moon_tenant_verdict tenants[2] = {0};
    bool split = false;

    tenants[turned].verdict.kind = pairs[i].first;
    tenants[!turned].verdict.kind = pairs[i].second;
    enum moon_action action = moon_merge(tenants, 2, &split);
    if (action != pairs[i].action)
        fail_msg("%s and %s: got %s, want %s", moon_verdict_name(pairs[i].first),
                 moon_verdict_name(pairs[i].second), moon_action_name(action),
                 moon_action_name(pairs[i].action));
    assert_int_equal(split, pairs[i].split);
    for (size_t k = 0; action == MOON_ACTION_ACCEPT && k < 2; k++) {
        const struct moon_tenant_verdict *tenant = &tenants[turned ? !k : k];
        enum moon_verdict_kind kind = tenant->verdict.kind;
        assert_int_equal(letter(tenant->fate), pairs[i].fates[k]);
        assert_int_equal(tenant->by_split, kind == R || kind == D);
    }
}

static void two_tenants_end_as_the_table_says_in_either_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        check_pair(i, false);
        check_pair(i, true);
    }
}

static void one_taker_of_three_takes_the_message_for_all(void **state)
{
    struct moon_tenant_verdict tenants[3] = {0};
    bool split = false;

    (void)state;
    tenants[0].verdict.kind = R;
    tenants[1].verdict.kind = D;
    tenants[2].verdict.kind = A;
    assert_int_equal(moon_merge(tenants, 3, &split), MOON_ACTION_ACCEPT);
    assert_true(split);
    assert_int_equal(tenants[0].fate, MOON_FATE_QUARANTINE);
    assert_int_equal(tenants[1].fate, MOON_FATE_QUARANTINE);
    assert_int_equal(tenants[2].fate, MOON_FATE_DELIVER);
}

/* A dry run counts as accept, whatever its policy says; so the table with accept in its place. */
static void a_dry_run_takes_the_message_whatever_its_verdict(void **state)
{
    static const enum moon_verdict_kind kinds[] = {A, Q, R, D, X};

    (void)state;
    for (size_t i = 0; i < 5 * 5 * 3; i++) {
        enum moon_verdict_kind dry = kinds[i % 5], other = kinds[i / 5 % 5];
        bool both = i / 25 == 1, turned = i / 25 == 2;
        struct moon_tenant_verdict got[2] = {0}, want[2] = {0};
        bool split = false, want_split = false;
        got[turned].verdict.kind = dry;
        got[turned].dry_run = true;
        got[!turned].verdict.kind = other;
        got[!turned].dry_run = both;
        want[turned].verdict.kind = A;
        want[!turned].verdict.kind = both ? A : other;
        enum moon_action action = moon_merge(got, 2, &split);
        if (action != moon_merge(want, 2, &want_split) || split != want_split)
            fail_msg("dry run of %s beside %s: got %s%s", moon_verdict_name(dry),
                     moon_verdict_name(other), moon_action_name(action), split ? " split" : "");
        assert_int_equal(action, MOON_ACTION_ACCEPT);
        assert_int_equal(got[turned].fate, MOON_FATE_DELIVER);
        assert_false(got[turned].by_split);
        assert_int_equal(got[turned].verdict.kind, dry); /* for the log */
        for (size_t k = 0; k < 2; k++) {
            assert_int_equal(got[k].fate, want[k].fate);
            assert_int_equal(got[k].by_split, want[k].by_split);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_tenants_end_as_the_table_says_in_either_order),
        cmocka_unit_test(a_dry_run_takes_the_message_whatever_its_verdict),
        cmocka_unit_test(one_taker_of_three_takes_the_message_for_all),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
