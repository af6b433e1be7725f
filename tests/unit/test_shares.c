/* SPDX-License-Identifier: MIT
 *
 * How a message's time is shared out: on a clock of the test's own, which moves a step each time
 * that somebody looks at it. So a policy that never ends does so after as many looks, on any
 * machine, and nothing here depends on how long anything takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine/dns/backend.h"
#include "engine/store/store.h"
#include "engine/verdict/asks.h"
#include "engine/verdict/shares.h"
#include "tests/support/scan_case.h"

static int64_t clock_us = 1000000000, step_us;

/* In the place of libc's, for the whole program. */
int clock_gettime(clockid_t id, struct timespec *now_r)
{
    (void)id;
    clock_us += step_us;
    *now_r = (struct timespec){clock_us / 1000000, clock_us % 1000000 * 1000};
    return 0;
}

/* --- the arithmetic ------------------------------------------------------------------------------
 */

static void dns_has_no_more_than_half(void **state)
{
    static const struct {
        int64_t waited_ms, dns_timeout_ms;     /* MOONSCAN_TIMEOUT, dns.timeout_ms */
        int64_t message_ms, dns_ms, wanted_ms; /* want */
    } table[] = {
        {30000, 10000, 29000, 10000, 24000}, /* the defaults */
        {0, 10000, 24000, 10000, 24000},     /* moonscan check: nobody waits */
        {5000, 10000, 4500, 2250, 24000},
        {1000, 10000, 900, 450, 24000},
        {60000, 10000, 59000, 10000, 24000},
        {30000, 100, 29000, 100, 4200},
        {1, 10000, 10, 5, 24000},
        {242000, 120000, 241000, 120000, 244000},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_conf conf = {.dns_ms = table[i].dns_timeout_ms, .policy_ms = 500};
        struct moon_shares shares = moon_shares_begin(&conf, table[i].waited_ms);
        if (shares.message_ms != table[i].message_ms || shares.dns_ms != table[i].dns_ms ||
            moon_shares_wanted_ms(&conf) != table[i].wanted_ms)
            fail_msg("row %zu: got %d, %d, %d", i, (int)shares.message_ms, (int)shares.dns_ms,
                     (int)moon_shares_wanted_ms(&conf));
    }
}

static void a_turn_is_an_equal_share_of_what_is_left(void **state)
{
    static const struct {
        int64_t passed_ms;
        size_t waiting;
        int64_t ms;
        const char *over;
    } table[] = {
        {0, 1, 29000,
         "share of 29000 ms used up (1 tenants had 29000 ms of the message's 29000 ms "
         "left); mend this policy, or raise MOONSCAN_TIMEOUT"},
        {10000, 10, 1900, "share of 1900 ms used up (10 tenants had 19000 ms of the message's "},
        {28000, 10000, 10, "share of 10 ms used up (10000 tenants had 1000 ms of "},
        {28999, 1, 10, "share of 10 ms used up (1 tenants had 1 ms of "},
        {29000, 2, 10,
         "no time left: of the message's 29000 ms, SPF, DKIM, ARC and DMARC took "
         "29000 ms and policies the rest; raise MOONSCAN_TIMEOUT"},
        {99000, 1, 10, "no time left: of the message's 29000 ms, SPF, DKIM, ARC and DMARC took "},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_conf conf = {.dns_ms = 10000, .policy_ms = 500};
        struct moon_turn turn;
        struct moon_shares shares = moon_shares_begin(&conf, 30000);
        clock_us += table[i].passed_ms * 1000;
        moon_shares_evaluated(&shares);
        bool left = moon_shares_turn(&shares, table[i].waiting, &turn);
        if (left != (table[i].passed_ms < 29000) || turn.ms != table[i].ms ||
            turn.end_ms != clock_us / 1000 + turn.ms ||
            strncmp(turn.over, table[i].over, strlen(table[i].over)) != 0)
            fail_msg("row %zu: got %d ms, \"%s\"", i, (int)turn.ms, turn.over);
    }
}

static void the_first_of_two_versions_has_half_of_the_turn(void **state)
{
    struct moon_turn turn = {.ms = 301, .end_ms = 5301};
    struct moon_turn half = moon_shares_half(&turn);
    (void)state; /* cmocka's, not used */
    assert_int_equal(half.ms, 150);
    assert_int_equal(half.end_ms, 5150);
    assert_string_equal(half.over, "share of 150 ms used up (half of this tenant's 301 ms, because "
                                   "the live version decides when this one fails)");
}

static void what_dns_left_unanswered_is_told_with_the_cure(void **state)
{
    struct moon_conf conf = {.dns_ms = 10000, .policy_ms = 500};
    struct moon_arena *arena = moon_arena_create(4096);
    struct moon_shares shares = moon_shares_begin(&conf, 0);
    (void)state; /* cmocka's, not used */
    assert_string_equal(moon_shares_dns_late(&shares, arena, 3),
                        "3 questions had no answer in 10000 ms (dns.timeout_ms); see why the name "
                        "servers do not answer, or raise dns.timeout_ms");
    shares = moon_shares_begin(&conf, 5000);
    assert_string_equal(moon_shares_dns_late(&shares, arena, 1),
                        "1 questions had no answer in 2250 ms, half of the message's time; see why "
                        "the name servers do not answer, or raise MOONSCAN_TIMEOUT");
    moon_arena_destroy(&arena);
}

/* --- whole messages ------------------------------------------------------------------------------
 */

#define POLICY(body)                                                                               \
    "local moon = require 'moonscan'\nreturn { message = function(m) " body "\nend }"
#define DECIDES POLICY("return moon.discard { reason = 'mine' }")
#define LOOPS   POLICY("while true do end")
#define CATCHES                                                                                    \
    POLICY("while true do pcall(function() while true do end end) end return moon.accept {}")

#define TENANT(name)                                                                               \
    {"domain/" name ".example", name},                                                             \
    {                                                                                              \
        "tenant/" name, "tenants/" name ".lua"                                                     \
    }

static const char *const others[] = {"x@b.example", "x@c.example", "x@d.example", "x@e.example",
                                     NULL};

/* acme, b, c, d and e, with one policy each. */
static void run(const char *const policies[5], int64_t waited_ms, struct scan_result *out)
{
    const char *const files[][2] = {TENANT("b"),
                                    TENANT("c"),
                                    TENANT("d"),
                                    TENANT("e"),
                                    {"policy/tenants/b.lua", policies[1]},
                                    {"policy/tenants/c.lua", policies[2]},
                                    {"policy/tenants/d.lua", policies[3]},
                                    {"policy/tenants/e.lua", policies[4]},
                                    {NULL, NULL}};
    struct scan_case test = {
        .policy = policies[0], .files = files, .more = others, .waited_ms = waited_ms};
    scan_case_run(&test, out);
}

static void expect(const struct scan_result *result, size_t tenant, const char *policy)
{
    const struct moon_verdict *verdict = &result->outcome.tenants[tenant].verdict;
    bool decides = strcmp(policy, DECIDES) == 0;
    if (decides != (verdict->kind == MOON_VERDICT_DISCARD) || decides == (verdict->failure != NULL))
        fail_msg("tenant %zu: got %s (%s)", tenant, moon_verdict_name(verdict->kind),
                 verdict->failure ? verdict->failure : "no failure");
    if (!decides && !strstr(verdict->failure, ".lua:2: share of "))
        fail_msg("tenant %zu: got %s", tenant, verdict->failure);
}

/* Wherever it stands, and whatever it catches. */
static void a_policy_without_end_costs_the_other_tenants_only_time(void **state)
{
    static const char *const table[][5] = {
        {LOOPS, DECIDES, DECIDES, DECIDES, DECIDES}, {DECIDES, DECIDES, LOOPS, DECIDES, DECIDES},
        {DECIDES, DECIDES, DECIDES, DECIDES, LOOPS}, {LOOPS, CATCHES, LOOPS, CATCHES, DECIDES},
        {CATCHES, DECIDES, LOOPS, DECIDES, CATCHES}, {LOOPS, LOOPS, LOOPS, LOOPS, LOOPS},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct scan_result result;
        int64_t started_us = clock_us;
        step_us = 1000;
        run(table[i], 10000, &result);
        step_us = 0;
        for (size_t k = 0; k < 5; k++)
            expect(&result, k, table[i][k]);
        if (clock_us - started_us >= 10000000)
            fail_msg("row %zu: decided after %d ms", i, (int)((clock_us - started_us) / 1000));
        scan_case_end(&result);
    }
}

/* The reason says how long it was, and names the line. */
static void the_share_that_ran_out_is_in_the_failure(void **state)
{
    static const char *const policies[] = {LOOPS, DECIDES, DECIDES, DECIDES, DECIDES};
    struct scan_result result;
    int share = 0, waiting = 0, left = 0, message = 0;
    (void)state; /* cmocka's, not used */
    step_us = 1000;
    run(policies, 10000, &result);
    step_us = 0;
    assert_int_equal(sscanf(result.verdict.failure,
                            "tenants/acme.lua:2: share of %d ms used up (%d tenants had %d ms of "
                            "the message's %d ms left)",
                            &share, &waiting, &left, &message),
                     4);
    assert_int_equal(waiting, 5);
    assert_int_equal(message, 9000);
    assert_int_equal(share, left / 5);
    assert_string_equal(result.verdict.rule, "tenants/acme.lua:2");
    scan_case_end(&result);
}

static void without_any_time_every_tenant_has_the_failure_verdict(void **state)
{
    static const char *const policies[] = {DECIDES, DECIDES, DECIDES, DECIDES, DECIDES};
    struct scan_result result;
    (void)state; /* cmocka's, not used */
    step_us = 50000;
    run(policies, 100, &result);
    step_us = 0;
    for (size_t i = 0; i < 5; i++) {
        const struct moon_verdict *verdict = &result.outcome.tenants[i].verdict;
        if (!verdict->failure || strncmp(verdict->failure, "no time left: ", 14) != 0)
            fail_msg("tenant %zu: got %s", i, verdict->failure ? verdict->failure : "no failure");
        assert_int_equal(verdict->kind, MOON_VERDICT_DEFER);
    }
    scan_case_end(&result);
}

/* One tenant whose next version has no end; mode and canary as in tenants.lua. */
static void run_versions(char mode, char canary, struct scan_result *out)
{
    const char record[] = {1, mode, canary, 0};
    const char *const files[][2] = {{"next-tenant/acme", "next/tenants/acme.lua"},
                                    {"policy/next/tenants/acme.lua", LOOPS},
                                    {"tenant-conf/acme", record},
                                    {NULL, NULL}};
    struct scan_case test = {.policy = DECIDES, .other = LOOPS, .files = files, .waited_ms = 10000};
    step_us = 1000;
    scan_case_run(&test, out);
    step_us = 0;
    assert_non_null(strstr(out->outcome.tenants[1].verdict.failure, "other.lua:2: share of "));
    assert_int_equal(out->verdict.kind, MOON_VERDICT_DISCARD);
    assert_null(out->verdict.failure);
    assert_non_null(out->outcome.tenants[0].shadow);
}

static void a_canary_without_end_leaves_time_for_the_live_version(void **state)
{
    struct scan_result result;
    (void)state; /* cmocka's, not used */
    run_versions(MOON_MODE_ENFORCE, 100, &result);
    assert_non_null(
        strstr(result.outcome.tenants[0].shadow->verdict.failure, "(half of this tenant's "));
    scan_case_end(&result);
}

static void a_shadow_without_end_has_what_the_verdicts_left(void **state)
{
    struct scan_result result;
    (void)state; /* cmocka's, not used */
    run_versions(MOON_MODE_SHADOW, 1, &result);
    if (!result.outcome.tenants[0].next) /* else the draw made it the canary */
        assert_true(result.outcome.tenants[0].shadow->skipped ||
                    result.outcome.tenants[0].shadow->verdict.failure);
    scan_case_end(&result);
}

/* --- what a decision asks ------------------------------------------------------------------------
 */

/* A server that answers when the test says so. */
struct server {
    struct moon_dns_backend backend;
    struct moon_dns_ask *asks[8];
    unsigned asked, answered;
    bool answers;
};

static void server_ask(struct moon_dns_backend *backend, struct moon_dns_ask *ask)
{
    struct server *server = (struct server *)(void *)backend;
    assert_true(server->asked < 8);
    server->asks[server->asked++] = ask;
}

static void server_step(struct moon_dns_backend *backend, struct moon_dns *dns, int64_t wait_ms)
{
    struct server *server = (struct server *)(void *)backend;
    struct moon_dns_reply reply = {.state = MOON_DNS_STATE_NXDOMAIN};
    (void)dns;
    clock_us += wait_ms > 100 ? 100000 : wait_ms * 1000;
    while (server->answers && server->answered < server->asked)
        moon_dns_deliver(server->asks[server->answered++], &reply);
}

static void server_nothing(struct moon_dns_backend *backend, struct moon_dns *dns)
{
    (void)backend;
    (void)dns;
}

static void server_end(struct moon_dns_backend *backend)
{
    (void)backend;
}

static const struct moon_dns_backend_ops server_ops = {
    .destroy = server_end, .ask = server_ask, .step = server_step, .cancel = server_nothing};

/* How long a tenant waits that has until_ms from now; -1: as long as it may. */
static int64_t waits(struct moon_asks_shared *shared, const char *name, int64_t until_ms,
                     const char *want_reason)
{
    int64_t started_us = clock_us;
    struct moon_asks *asks = moon_asks_begin(shared, "acme");
    if (until_ms >= 0)
        moon_asks_until(asks, clock_us / 1000 + until_ms);
    const struct moon_dns_answer *answer = moon_asks_dns(asks, name, MOON_DNS_TYPE_A);
    assert_non_null(answer);
    assert_string_equal(answer->reason, want_reason);
    return (clock_us - started_us) / 1000;
}

static void a_tenants_questions_to_dns_are_in_its_share(void **state)
{
    struct server server = {.backend = {&server_ops}};
    struct moon_message msg = {.id = ""};
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_dns *dns = moon_dns_begin(arena, &server.backend, 10000, 0);
    struct moon_asks_shared *shared = moon_asks_share(arena, &msg, dns, NULL);
    (void)state;          /* cmocka's, not used */
    clock_us += 10000000; /* the message's own time for DNS is over */
    assert_int_equal(waits(shared, "bl.example", 300, "timeout"), 300);
    assert_int_equal(waits(shared, "bl.example", 0, "timeout"), 0);
    assert_int_equal(waits(shared, "bl.example", -1, "timeout"), 4700); /* 5000 in all */
    assert_int_equal(waits(shared, "bl.example", -1, "timeout"), 0);
    assert_int_equal(waits(shared, "new.example", 0, "timeout"), 0); /* asked all the same */
    assert_int_equal(server.asked, 2);
    server.answers = true;
    assert_int_equal(waits(shared, "new.example", 300, ""), 100);
    assert_int_equal(waits(shared, "bl.example", 0, ""), 0);
    assert_int_equal(server.asked, 2);
    moon_dns_end(&dns);
    moon_arena_destroy(&arena);
}

static void a_decision_waits_for_dns_no_longer_than_half_of_its_time_in_all(void **state)
{
    static const char *const names[] = {"a.example", "b.example", "c.example", "d.example"};
    struct server server = {.backend = {&server_ops}};
    struct moon_message msg = {.id = ""};
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_dns *dns = moon_dns_begin(arena, &server.backend, 4000, 0);
    struct moon_asks_shared *shared = moon_asks_share(arena, &msg, dns, NULL);
    struct moon_asks *asks = moon_asks_begin(shared, "acme");
    int64_t started_us = clock_us;
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(moon_asks_dns(asks, names[i], MOON_DNS_TYPE_A)->reason, "timeout");
    assert_int_equal(clock_us - started_us, 2000000);
    moon_dns_end(&dns);
    moon_arena_destroy(&arena);
}

static void a_tenant_without_time_does_not_ask_the_store(void **state)
{
    struct moon_message msg = {.id = ""};
    struct moon_store *store = NULL;
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    int64_t count = 0;
    (void)state; /* cmocka's, not used */
    assert_int_equal(moon_store_memory(&store, NULL), MOON_OK);
    struct moon_asks_shared *shared = moon_asks_share(arena, &msg, NULL, store);
    struct moon_asks *late = moon_asks_begin(shared, "acme");
    moon_asks_until(late, clock_us / 1000);
    assert_false(moon_asks_count(late, MOON_SPAN("k"), 3600, 1, &count));
    assert_string_equal(moon_asks_each(late, 0)->why,
                        "this tenant's share of the message's time is used up");
    struct moon_asks *other = moon_asks_begin(shared, "acme");
    moon_asks_until(other, clock_us / 1000 + 1);
    assert_true(moon_asks_count(other, MOON_SPAN("k"), 3600, 1, &count));
    assert_int_equal(count, 1);
    moon_store_destroy(&store);
    moon_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dns_has_no_more_than_half),
        cmocka_unit_test(a_turn_is_an_equal_share_of_what_is_left),
        cmocka_unit_test(the_first_of_two_versions_has_half_of_the_turn),
        cmocka_unit_test(what_dns_left_unanswered_is_told_with_the_cure),
        cmocka_unit_test(a_policy_without_end_costs_the_other_tenants_only_time),
        cmocka_unit_test(the_share_that_ran_out_is_in_the_failure),
        cmocka_unit_test(without_any_time_every_tenant_has_the_failure_verdict),
        cmocka_unit_test(a_canary_without_end_leaves_time_for_the_live_version),
        cmocka_unit_test(a_shadow_without_end_has_what_the_verdicts_left),
        cmocka_unit_test(a_tenants_questions_to_dns_are_in_its_share),
        cmocka_unit_test(a_decision_waits_for_dns_no_longer_than_half_of_its_time_in_all),
        cmocka_unit_test(a_tenant_without_time_does_not_ask_the_store),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
