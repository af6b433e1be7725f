/* SPDX-License-Identifier: MIT
 *
 * asks: what policies ask beyond the message: spaces, budgets, and the record of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/report/results.h"
#include "engine/store/store.h"
#include "engine/verdict/asks.h"
#include "tests/support/asks_case.h"

static void without_a_store_there_is_nil_and_a_reason(void **state)
{
    struct asks_case f;
    (void)state; /* cmocka's, not used */
    asks_case_begin(&f, NULL);
    moon_store_destroy(&f.store);
    asks_case_begin_again(&f);
    asks_case_expect_true(
        &f, "moon.count { key = 'x' } == nil and moon.first_seen { key = 'x' } == nil");
    asks_case_expect_record(&f, f.asks,
                            "{\"count\":\"x\",\"window\":86400,\"add\":1,\"answer\":null,"
                            "\"why\":\"no store is set up\"}");
    asks_case_end(&f);
    asks_case_begin(&f, NULL); /* nobody to ask at all: a policy that is being published */
    f.c.input.asks = NULL;
    asks_case_expect_true(
        &f, "moon.count { key = 'x' } == nil and moon.first_seen { key = 'x' } == nil");
    asks_case_end(&f);
}

static void a_question_above_the_limit_is_counted_only(void **state)
{
    struct asks_case f;
    char want[60];
    (void)state; /* cmocka's, not used */
    asks_case_begin(&f, NULL);
    asks_case_expect_true(&f,
                          "(function() local n = 0"
                          " for i = 1, 23 do n = n + (moon.count { key = 'x' } and 1 or 100) end"
                          " return n end)() == 20 + 300");
    assert_int_equal(moon_asks_refused(f.asks), 3);
    assert_non_null(moon_asks_each(f.asks, MOON_ASKS_MAX - 1));
    assert_null(moon_asks_each(f.asks, MOON_ASKS_MAX));
    (void)snprintf(want, sizeof want, "\"answer\":%u}],\"asked_left_out\":3}", MOON_ASKS_MAX);
    asks_case_expect_record(&f, f.asks, want);
    asks_case_end(&f);
}

static int64_t count(struct moon_asks *asks, const char *key)
{
    int64_t n = -1;
    return moon_asks_count(asks, moon_span_of(key), 86400, 1, &n) ? n : -1;
}

static int64_t volume(struct moon_asks *asks, const char *key)
{
    int64_t n = -1;
    return moon_asks_engine_count(asks, "volume", moon_span_of(key), 86400, 1, &n) ? n : -1;
}

static void nobody_reaches_anothers_keys(void **state)
{
    struct asks_case f;
    (void)state; /* cmocka's, not used */
    asks_case_begin(&f, NULL);
    struct moon_asks *beta = moon_asks_begin(f.shared, "beta");
    struct moon_asks *none = moon_asks_begin(f.shared, "");
    assert_int_equal(count(f.asks, "k"), 1);
    assert_int_equal(count(f.asks, "k"), 2);
    assert_int_equal(count(beta, "k"), 1);
    moon_asks_enter(beta, true);
    assert_int_equal(count(beta, "k"), 1); /* the site's own policy, for beta's mail */
    moon_asks_enter(f.asks, true);
    assert_int_equal(count(f.asks, "k"), 2); /* and for acme's: the same space */
    moon_asks_enter(none, false);
    assert_int_equal(count(none, "k"), 3); /* no tenant: the site's */
    moon_asks_enter(f.asks, false);
    assert_int_equal(count(f.asks, "k"), 3);
    assert_int_equal(volume(f.asks, "k"), 1);
    asks_case_expect_record(&f, f.asks, "{\"count\":\"k\",\"space\":\"site\",");
    asks_case_expect_record(&f, f.asks, "{\"count\":\"k\",\"space\":\"volume\",");
    asks_case_end(&f);
}

static void one_message_counts_once_in_the_engines_spaces(void **state)
{
    struct asks_case f;
    int64_t first_s = 0;
    (void)state; /* cmocka's, not used */
    asks_case_begin(&f, NULL);
    struct moon_asks *beta = moon_asks_begin(f.shared, "beta");
    assert_int_equal(volume(f.asks, "a.example"), 1);
    assert_int_equal(volume(beta, "a.example"), 1);
    assert_int_equal(volume(beta, "b.example"), 1);
    assert_non_null(moon_asks_each(beta, 1)); /* both are in its record */
    assert_true(moon_asks_engine_first_seen(beta, "bulk", MOON_SPAN("x"), 864000, true, &first_s));
    assert_int_equal(first_s, -1);
    asks_case_begin_again(&f); /* the next message */
    assert_int_equal(volume(f.asks, "a.example"), 2);
    assert_true(
        moon_asks_engine_first_seen(f.asks, "bulk", MOON_SPAN("x"), 864000, false, &first_s));
    assert_int_equal(first_s, f.c.msg.received_s);
    asks_case_end(&f);
}

static void a_dry_run_changes_nothing(void **state)
{
    struct asks_case f;
    (void)state; /* cmocka's, not used */
    asks_case_begin(&f, NULL);
    assert_int_equal(count(f.asks, "k"), 1);
    f.c.msg.dry_run = true;
    asks_case_begin_again(&f);
    assert_int_equal(count(f.asks, "k"), 2);
    assert_int_equal(count(f.asks, "k"), 2);
    assert_int_equal(volume(f.asks, "k"), 1);
    asks_case_expect_record(&f, f.asks, "\"add\":1,\"pretended\":true,\"answer\":2}");
    f.c.msg.dry_run = false;
    asks_case_begin_again(&f);
    moon_asks_pretend(f.asks); /* a shadow */
    assert_int_equal(count(f.asks, "k"), 2);
    assert_int_equal(volume(f.asks, "k"), 1);
    struct moon_asks *live = moon_asks_begin(f.shared, "acme");
    assert_int_equal(count(live, "k"), 2);
    assert_int_equal(volume(live, "k"), 1);
    asks_case_begin_again(&f);
    assert_int_equal(volume(f.asks, "k"), 2); /* the live one was not taken for the shadow's */
    asks_case_end(&f);
}

static void dns_has_its_own_budget(void **state)
{
    struct asks_case f;
    (void)state; /* cmocka's, not used */
    asks_case_begin(&f, "a.example. A 192.0.2.1\nb.example. TXT \"x\"\nc.example. SERVFAIL\n");
    (void)moon_dns_wait(f.dns, "own1.example", MOON_DNS_TYPE_A);
    (void)moon_dns_wait(f.dns, "own2.example", MOON_DNS_TYPE_A);
    const struct moon_dns_answer *answer = moon_dns_wait(f.dns, "own3.example", MOON_DNS_TYPE_A);
    assert_true(answer->refused); /* the message's own questions are used up */
    answer = moon_asks_dns(f.asks, "a.example", MOON_DNS_TYPE_A);
    assert_true(answer && answer->state == MOON_DNS_STATE_FOUND);
    answer = moon_asks_dns(f.asks, "c.example", MOON_DNS_TYPE_A);
    assert_true(answer && answer->state == MOON_DNS_STATE_TROUBLE);
    assert_null(moon_asks_dns(f.asks, "own3.example", MOON_DNS_TYPE_A));
    answer = moon_asks_dns(f.asks, "b.example", MOON_DNS_TYPE_A);
    assert_true(answer && answer->state == MOON_DNS_STATE_NODATA);
    assert_non_null(moon_asks_dns(f.asks, "d.example", MOON_DNS_TYPE_MX));
    assert_null(moon_asks_dns(f.asks, "e.example", MOON_DNS_TYPE_A));
    asks_case_expect_record(
        &f, f.asks,
        "[{\"dns\":\"a.example\",\"type\":\"A\",\"answer\":\"found\",\"records\":"
        "[\"192.0.2.1\"]},{\"dns\":\"c.example\",\"type\":\"A\",\"answer\":\"trouble\","
        "\"reason\":\"SERVFAIL\"},{\"dns\":\"own3.example\",\"type\":\"A\","
        "\"answer\":null,\"why\":\"question limit\"},");
    for (unsigned i = 0; i < 5; i++) { /* and all decisions of a message have one together */
        struct moon_asks *more = moon_asks_begin(f.shared, "acme");
        for (unsigned k = 0; k < MOON_ASKS_DNS_MAX; k++)
            assert_true(
                (moon_asks_dns(more, "a.example", MOON_DNS_TYPE_A) != NULL) ==
                (i * MOON_ASKS_DNS_MAX + k < MOON_ASKS_DNS_MESSAGE_MAX - MOON_ASKS_DNS_MAX));
    }
    assert_null(moon_asks_dns(NULL, "a.example", MOON_DNS_TYPE_A));
    asks_case_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_store_there_is_nil_and_a_reason),
        cmocka_unit_test(a_question_above_the_limit_is_counted_only),
        cmocka_unit_test(nobody_reaches_anothers_keys),
        cmocka_unit_test(one_message_counts_once_in_the_engines_spaces),
        cmocka_unit_test(a_dry_run_changes_nothing),
        cmocka_unit_test(dns_has_its_own_budget),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
