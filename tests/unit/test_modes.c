/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/verdict/modes.c, and of what decide.c and report/outcome.c make of it: which
 * version decides, what is only looked at, and what Exim and the record are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/report/results.h"
#include "engine/store/store.h"
#include "engine/verdict/decide.h"
#include "engine/verdict/modes.h"
#include "tests/support/policy_case.h"

#define POLICY(body)                                                                               \
    "local moon = require 'moonscan'\nreturn { message = function(m) " body " end }"

/* acme lives by one policy and has another in next/. */
struct fixture {
    struct policy_case c;
    struct moon_engine engine;
    struct moon_asks_shared *shared;
    struct moon_tenant_verdict tenant;
    struct moon_outcome outcome;
    const char *json;
};

static void begin(struct fixture *f, enum moon_mode mode, unsigned canary, const char *live,
                  const char *next)
{
    char record[3] = {1, (char)mode, (char)canary};
    *f = (struct fixture){0};
    policy_case_begin(&f->c);
    assert_int_equal(moon_snapshot_writer_add(f->c.writer, MOON_SPAN("tenant-conf/acme"),
                                              (struct moon_span){record, 3}, NULL),
                     MOON_OK);
    policy_case_policy(&f->c, live);
    if (next) {
        policy_case_add(&f->c, "next-tenant/acme", "next/tenants/acme.lua");
        policy_case_add(&f->c, "policy/next/tenants/acme.lua", next);
    }
    (void)policy_case_decide(&f->c); /* opens all */
    f->c.conf.snapshot_hash = "hash";
    f->engine = (struct moon_engine){
        .conf = &f->c.conf, .snapshot = f->c.snapshot, .policies = f->c.policies};
}

static void decide(struct fixture *f)
{
    struct moon_json json;
    f->shared = moon_asks_share(f->c.arena, &f->c.msg, NULL, f->engine.store);
    f->tenant = (struct moon_tenant_verdict){
        .tenant = "acme", .recipients = f->c.indices, .recipient_count = 2};
    assert_int_equal(moon_modes_decide(&f->engine, f->c.arena, f->shared, &f->c.input, &f->tenant),
                     MOON_OK);
    assert_int_equal(moon_modes_shadow(&f->engine, f->c.arena, f->shared, &f->c.input, &f->tenant),
                     MOON_OK);
    f->outcome =
        (struct moon_outcome){.results = f->c.results, .tenants = &f->tenant, .tenant_count = 1};
    f->outcome.results.authserv_id = "mx.test";
    assert_int_equal(moon_decide(&f->engine, f->c.arena, &f->c.msg, &f->outcome), MOON_OK);
    moon_json_begin(&json, f->c.arena);
    moon_json_object(&json, NULL);
    moon_json_outcome(&json, &f->c.msg, &f->outcome);
    moon_json_close(&json, '}');
    f->json = moon_json_end(&json);
}

static void expect(const char *text, const char *want)
{
    if (!strstr(text, want))
        fail_msg("got %s\nwant %s", text, want);
}

static void the_mode_says_which_version_decides(void **state)
{
    static const struct {
        const char *name;
        enum moon_mode mode;
        unsigned canary;
        bool has_next;
        /* want */
        enum moon_verdict_kind verdict;
        enum moon_action action;
        bool shadow, next;
    } table[] = {
        {"nothing said, no next version", MOON_MODE_NONE, 0, false, MOON_VERDICT_REJECT,
         MOON_ACTION_REJECT, false, false},
        {"nothing said, a next version", MOON_MODE_NONE, 0, true, MOON_VERDICT_REJECT,
         MOON_ACTION_REJECT, true, false},
        {"enforce", MOON_MODE_ENFORCE, 0, true, MOON_VERDICT_REJECT, MOON_ACTION_REJECT, false,
         false},
        {"dry_run", MOON_MODE_DRY_RUN, 0, true, MOON_VERDICT_REJECT, MOON_ACTION_ACCEPT, false,
         false},
        {"shadow", MOON_MODE_SHADOW, 0, true, MOON_VERDICT_REJECT, MOON_ACTION_REJECT, true, false},
        {"shadow of nothing", MOON_MODE_SHADOW, 0, false, MOON_VERDICT_REJECT, MOON_ACTION_REJECT,
         false, false},
        {"canary of all", MOON_MODE_NONE, 100, true, MOON_VERDICT_DEFER, MOON_ACTION_DEFER, false,
         true},
        {"canary of all, enforced", MOON_MODE_ENFORCE, 100, true, MOON_VERDICT_DEFER,
         MOON_ACTION_DEFER, false, true},
        {"canary in a dry run", MOON_MODE_DRY_RUN, 100, true, MOON_VERDICT_DEFER,
         MOON_ACTION_ACCEPT, false, true},
        {"canary of nothing", MOON_MODE_NONE, 100, false, MOON_VERDICT_REJECT, MOON_ACTION_REJECT,
         false, false},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct fixture f;
        begin(&f, table[i].mode, table[i].canary, POLICY("return moon.reject {}"),
              table[i].has_next ? POLICY("return moon.defer {}") : NULL);
        decide(&f);
        if (f.tenant.verdict.kind != table[i].verdict || f.outcome.action != table[i].action ||
            f.tenant.next != table[i].next || !f.tenant.shadow == table[i].shadow)
            fail_msg("%s: got %s, %s, next %d, shadow %d", table[i].name,
                     moon_verdict_name(f.tenant.verdict.kind), moon_action_name(f.outcome.action),
                     f.tenant.next, f.tenant.shadow != NULL);
        assert_int_equal(f.tenant.dry_run, table[i].mode == MOON_MODE_DRY_RUN);
        policy_case_end(&f.c);
    }
}

static void what_differs_is_told(void **state)
{
    static const struct {
        const char *live, *next, *json, *log; /* log NULL: no token */
    } table[] = {
        {"return moon.reject {}", "return moon.reject {}",
         "\"shadow\":{\"verdict\":\"reject\",\"layer\":\"tenant\","
         "\"rule\":\"next/tenants/acme.lua:2\"}",
         NULL},
        {"return moon.reject {}", "return moon.accept { override = 'other' }",
         "\"override\":\"other\",\"differs\":[\"verdict\",\"override\"]}", " shadow=accept "},
        {"return moon.reject { esc = '5.7.1' }", "return moon.reject { esc = '5.7.26' }",
         "\"esc\":\"5.7.26\",\"differs\":[\"esc\"]}", " shadow=reject "},
        {"return moon.quarantine {}", "return nil", "\"differs\":[\"override\",\"layer\"]}",
         " shadow=quarantine "},
        {"return moon.reject {}", "\n\nreturn moon.reject {}",
         "\"rule\":\"next/tenants/acme.lua:4\"}", NULL},
        {"return moon.reject {}", "return m.dmrc",
         "\"failure\":\"next/tenants/acme.lua:2: m has no", " shadow=failed "},
        {"return moon.accept {}", "while true do end",
         "\"failure\":\"next/tenants/acme.lua:2: instruction limit of ", " shadow=failed "},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct fixture f;
        char live[300], next[300];
        (void)snprintf(live, sizeof live, POLICY("%s"), table[i].live);
        (void)snprintf(next, sizeof next, POLICY("%s"), table[i].next);
        begin(&f, MOON_MODE_SHADOW, 0, live, next);
        enum moon_verdict_kind kind = policy_case_decide(&f.c).kind;
        decide(&f);
        assert_int_equal(f.tenant.verdict.kind, kind); /* the shadow changed nothing */
        assert_null(f.tenant.verdict.failure);
        expect(f.json, table[i].json);
        if (table[i].log)
            expect(f.outcome.log, table[i].log);
        else
            assert_null(strstr(f.outcome.log, "shadow"));
        policy_case_end(&f.c);
    }
}

static void a_dry_run_does_nothing_of_what_its_verdict_says(void **state)
{
    struct fixture f;
    (void)state; /* cmocka's, not used */
    begin(&f, MOON_MODE_DRY_RUN, 0,
          POLICY("return moon.reject { text = 'no', tag = '[X]', headers = { 'X-A: b' } }"), NULL);
    decide(&f);
    assert_int_equal(f.outcome.action, MOON_ACTION_ACCEPT);
    assert_null(f.outcome.reply);
    assert_int_equal(f.outcome.added_count, 1); /* Authentication-Results */
    assert_int_equal(f.outcome.removed_field_count, 0);
    expect(f.outcome.log,
           " tenant=acme verdict=reject (dry run: treated as accept) rule=tenants/acme.lua:2 ");
    expect(f.json, "\"verdict\":\"reject\",\"mode\":\"dry_run\"");
    policy_case_end(&f.c);
    begin(&f, MOON_MODE_DRY_RUN, 0, POLICY("return m.dmrc"), NULL);
    decide(&f);
    assert_int_equal(f.outcome.action, MOON_ACTION_ACCEPT);
    assert_int_equal(f.outcome.added_count, 1); /* nothing of the failure */
    expect(f.outcome.log, "failure=\"tenants/acme.lua:2: m has no field");
    policy_case_end(&f.c);
}

/* The reply is of a tenant that refuses, not of one that only tries. */
static void a_dry_run_beside_a_refusal_takes_the_message(void **state)
{
    struct fixture f;
    struct moon_tenant_verdict two[2];
    (void)state; /* cmocka's, not used */
    begin(&f, MOON_MODE_DRY_RUN, 0, POLICY("return moon.reject { text = 'tried' }"), NULL);
    decide(&f);
    two[0] = f.tenant;
    two[1] = (struct moon_tenant_verdict){
        .tenant = "beta", .verdict = {.kind = MOON_VERDICT_REJECT, .text = "meant"}};
    f.outcome.tenants = two;
    f.outcome.tenant_count = 2;
    assert_int_equal(moon_decide(&f.engine, f.c.arena, &f.c.msg, &f.outcome), MOON_OK);
    assert_int_equal(f.outcome.action, MOON_ACTION_ACCEPT);
    assert_true(f.outcome.split && two[1].by_split);
    assert_int_equal(two[0].fate, MOON_FATE_DELIVER);
    policy_case_end(&f.c);
}

static void a_canary_that_fails_leaves_it_to_the_live_version(void **state)
{
    struct fixture f;
    (void)state; /* cmocka's, not used */
    begin(&f, MOON_MODE_NONE, 100, POLICY("return moon.reject {}"), POLICY("return m.dmrc"));
    decide(&f);
    assert_int_equal(f.tenant.verdict.kind, MOON_VERDICT_REJECT);
    assert_null(f.tenant.verdict.failure);
    assert_false(f.tenant.next);
    expect(f.outcome.log, " shadow=failed ");
    expect(f.json, "\"failure\":\"next/tenants/acme.lua:2: m has no field 'dmrc'");
    policy_case_end(&f.c);
    begin(&f, MOON_MODE_NONE, 100, POLICY("return moon.reject {}"), POLICY("return moon.defer {}"));
    decide(&f);
    expect(f.outcome.log, " version=next ");
    expect(f.json, "\"version\":\"next\"");
    policy_case_end(&f.c);
}

static void a_canary_is_drawn_by_the_message_and_the_tenant(void **state)
{
    struct fixture f;
    unsigned drawn = 0, other = 0;
    char id[32];
    (void)state; /* cmocka's, not used */
    begin(&f, MOON_MODE_NONE, 20, POLICY("return moon.reject {}"), POLICY("return moon.defer {}"));
    for (int i = 0; i < 2000; i++) {
        (void)snprintf(id, sizeof id, "1v%04d-0000%02d-Xy", i, i % 100);
        f.c.msg.id = id;
        bool next = moon_message_draw(&f.c.msg, "acme") < 20;
        drawn += next;
        other += next != (moon_message_draw(&f.c.msg, "beta") < 20);
        assert_int_equal(next, moon_message_draw(&f.c.msg, "acme") < 20);
        if (i >= 50)
            continue;
        decide(&f);
        assert_int_equal(f.tenant.next, next);
        assert_int_equal(f.tenant.verdict.kind, next ? MOON_VERDICT_DEFER : MOON_VERDICT_REJECT);
        assert_int_equal(f.tenant.shadow != NULL, !next);
    }
    if (drawn < 300 || drawn > 500) /* 400; four standard deviations are 72 */
        fail_msg("got %u of 2000 drawn by 20 percent", drawn);
    if (other < 440 || other > 840) /* 640 if the draws of two tenants know nothing of each other */
        fail_msg("got %u of 2000 drawn otherwise for another tenant", other);
    policy_case_end(&f.c);
}

static void the_next_site_is_asked_with_its_own_locks_and_lists(void **state)
{
    static const char *const site = "local moon = require 'moonscan'\nlocal l = moon.list 'fwd'\n"
                                    "local seen = l:has 'new.example' and moon.defer {} or nil\n"
                                    "return { locked = function(m) return seen end }";
    struct fixture f;
    char record[3] = {1, MOON_MODE_NONE, 0};
    (void)state; /* cmocka's, not used */
    for (int locks = 0; locks < 2; locks++) {
        f = (struct fixture){0};
        policy_case_begin(&f.c);
        assert_int_equal(moon_snapshot_writer_add(f.c.writer, MOON_SPAN("tenant-conf/*"),
                                                  (struct moon_span){record, 3}, NULL),
                         MOON_OK);
        policy_case_policy(&f.c, POLICY("return moon.reject {}"));
        policy_case_add(&f.c, "site", "site.lua");
        policy_case_add(&f.c, "policy/site.lua", site);
        policy_case_add(&f.c, "list/lists/fwd.lua", "return { 'old.example' }");
        policy_case_add(&f.c, "next-site", locks ? "next/site.lua" : "site.lua");
        if (locks)
            policy_case_add(&f.c, "policy/next/site.lua",
                            "return { locked = function(m) return m.dmrc end }");
        else
            policy_case_add(&f.c, "list/next/lists/fwd.lua", "return { 'new.example' }");
        (void)policy_case_decide(&f.c);
        f.c.conf.snapshot_hash = "hash";
        f.engine = (struct moon_engine){
            .conf = &f.c.conf, .snapshot = f.c.snapshot, .policies = f.c.policies};
        decide(&f);
        assert_int_equal(f.tenant.verdict.kind, MOON_VERDICT_REJECT);
        if (locks)
            expect(f.outcome.log, " shadow=failed ");
        else
            expect(
                f.json,
                "\"shadow\":{\"verdict\":\"defer\",\"layer\":\"locked\",\"rule\":\"site.lua:3\"");
        policy_case_end(&f.c);
    }
}

/* The shadow must neither count again nor see another count. */
static void a_shadow_counts_nothing_and_sees_the_same_counts(void **state)
{
    static const char counts[] =
        POLICY("local a = moon.count { key = 'k', window = 3600 }\n"
               "local b = moon.count { key = 'k', window = 3600 }\n"
               "return moon.reject { reason = a .. ' ' .. b, override = a == 1 and b == 2 and "
               "'other' or 'local_policy' }");
    struct fixture f;
    struct moon_store *store = NULL;
    (void)state; /* cmocka's, not used */
    begin(&f, MOON_MODE_SHADOW, 0, counts, counts);
    assert_int_equal(moon_store_memory(&store, NULL), MOON_OK);
    f.engine.store = store;
    decide(&f);
    assert_null(f.tenant.verdict.failure);
    assert_string_equal(f.tenant.verdict.reason, "1 2");
    assert_string_equal(f.tenant.shadow->verdict.override, "other");
    assert_false(f.tenant.shadow->override_differs);
    decide(&f);
    assert_string_equal(f.tenant.verdict.reason, "3 4");
    moon_store_destroy(&store);
    policy_case_end(&f.c);
}

static void without_time_the_shadow_is_skipped_and_said_so(void **state)
{
    struct fixture f;
    (void)state; /* cmocka's, not used */
    begin(&f, MOON_MODE_SHADOW, 0, POLICY("return moon.reject {}"), POLICY("return nil"));
    decide(&f);
    f.tenant.shadow = NULL;
    assert_int_equal(moon_modes_skip(&f.engine, f.c.arena, "no time left", &f.tenant), MOON_OK);
    assert_string_equal(f.tenant.shadow->skipped, "no time left");
    f.tenant.shadow = NULL;
    f.tenant.next = true;
    assert_int_equal(moon_modes_skip(&f.engine, f.c.arena, "no time left", &f.tenant), MOON_OK);
    assert_null(f.tenant.shadow);
    policy_case_end(&f.c);
}

static void too_late_is_the_failure_verdict_but_nothing_in_a_dry_run(void **state)
{
    static const enum moon_mode modes[] = {MOON_MODE_NONE, MOON_MODE_DRY_RUN};
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        begin(&f, modes[i], 0, POLICY("return moon.accept {}"), NULL);
        f.tenant = (struct moon_tenant_verdict){.tenant = "acme"};
        assert_int_equal(moon_modes_late(&f.engine, f.c.arena, "no time left", &f.tenant), MOON_OK);
        assert_int_equal(f.tenant.verdict.kind, MOON_VERDICT_DEFER);
        assert_string_equal(f.tenant.verdict.failure, "no time left");
        assert_int_equal(f.tenant.dry_run, i == 1);
        policy_case_end(&f.c);
    }
}

static void a_damaged_record_is_the_failure_verdict_of_this_tenant(void **state)
{
    struct fixture f;
    (void)state; /* cmocka's, not used */
    begin(&f, (enum moon_mode)9, 0, POLICY("return moon.accept {}"), NULL);
    decide(&f);
    assert_int_equal(f.tenant.verdict.kind, MOON_VERDICT_DEFER);
    assert_non_null(strstr(f.tenant.verdict.failure, "damaged; publish again"));
    assert_string_equal(f.tenant.verdict.layer, "failure");
    policy_case_end(&f.c);
}

static void survives_the_failure_of_every_allocation(void **state)
{
    struct fixture f;
    bool done = false;
    (void)state; /* cmocka's, not used */
    begin(&f, MOON_MODE_SHADOW, 0, POLICY("return moon.reject {}"),
          POLICY("return moon.accept { override = 'other' }"));
    for (size_t n = 1; n < 60 && !done; n++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        struct moon_asks_shared *shared = moon_asks_share(arena, &f.c.msg, NULL, NULL);
        struct moon_tenant_verdict tenant = {
            .tenant = "acme", .recipients = f.c.indices, .recipient_count = 2};
        moon_arena_fail_at(arena, n);
        enum moon_status status = moon_modes_decide(&f.engine, arena, shared, &f.c.input, &tenant);
        if (status == MOON_OK)
            status = moon_modes_shadow(&f.engine, arena, shared, &f.c.input, &tenant);
        done = status == MOON_OK;
        assert_true(done || status == MOON_ENOMEM);
        if (done)
            assert_string_equal(tenant.shadow->verdict.override, "other");
        moon_arena_destroy(&arena);
    }
    assert_true(done);
    policy_case_end(&f.c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mode_says_which_version_decides),
        cmocka_unit_test(what_differs_is_told),
        cmocka_unit_test(a_dry_run_does_nothing_of_what_its_verdict_says),
        cmocka_unit_test(a_dry_run_beside_a_refusal_takes_the_message),
        cmocka_unit_test(a_canary_that_fails_leaves_it_to_the_live_version),
        cmocka_unit_test(a_canary_is_drawn_by_the_message_and_the_tenant),
        cmocka_unit_test(the_next_site_is_asked_with_its_own_locks_and_lists),
        cmocka_unit_test(a_shadow_counts_nothing_and_sees_the_same_counts),
        cmocka_unit_test(without_time_the_shadow_is_skipped_and_said_so),
        cmocka_unit_test(too_late_is_the_failure_verdict_but_nothing_in_a_dry_run),
        cmocka_unit_test(a_damaged_record_is_the_failure_verdict_of_this_tenant),
        cmocka_unit_test(survives_the_failure_of_every_allocation),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
