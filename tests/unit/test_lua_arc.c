/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/arc_facts.c: m.arc as policies see it, on chains made by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/policy_case.h"

static struct moon_arc_property from_bank[] = {{"header.from", "bank.example"}};
static struct moon_arc_result first_results[] = {
    {"dmarc", "pass", NULL, from_bank, 1},
    {"dkim", "fail", "body hash", NULL, 0},
};
static struct moon_arc_result last_results[] = {{"dmarc", "fail", NULL, from_bank, 1}};

static struct moon_arc_signature signature_of(enum moon_result result, enum moon_arc_body body)
{
    return (struct moon_arc_signature){.result = result,
                                       .reason = "",
                                       .domain = "mx.fwd.example",
                                       .body_length = -1,
                                       .signed_at_s = -1,
                                       .expires_s = -1,
                                       .body = body,
                                       .covers_from = true};
}

/* Sealed by fwd.example, then by last.example; both signatures hold. */
static void add_chain(struct policy_case *c)
{
    static struct moon_arc_set sets[2];
    sets[0] = (struct moon_arc_set){
        .instance = 1,
        .domain = "fwd.example",
        .selector = "s1",
        .cv = "none",
        .authserv_id = "mx.fwd.example",
        .seal_result = MOON_RESULT_PASS,
        .seal_reason = "",
        .algorithm = "rsa-sha256",
        .bits = 2048,
        .signed_at_s = 1700000000,
        .signature = signature_of(MOON_RESULT_PASS, MOON_ARC_BODY_INTACT),
        .results = first_results,
        .result_count = 2,
    };
    sets[1] = sets[0];
    sets[1].instance = 2;
    sets[1].domain = "last.example";
    sets[1].cv = "pass";
    sets[1].signed_at_s = -1;
    sets[1].results = last_results;
    sets[1].result_count = 1;
    c->results.arc = (struct moon_arc){.result = MOON_RESULT_PASS,
                                       .reason = "",
                                       .verified = true,
                                       .instances = 2,
                                       .sets = sets,
                                       .set_count = 2};
}

/* The policy returns the text of an expression as the reason. */
static void begin_with(struct policy_case *c, const char *expression)
{
    char policy[2000];
    (void)snprintf(policy, sizeof policy,
                   "local moon = require 'moonscan'\nlocal l = moon.list 'fwd'\n"
                   "return { message = function(m)\n"
                   "return moon.accept { reason = tostring(%s) } end }",
                   expression);
    policy_case_begin(c);
    policy_case_policy(c, policy);
    policy_case_add(c, "list/tenants/lists/fwd.lua",
                    "return { 'bare.example', { name = 'other', arc = 'other.example' },\n"
                    "{ name = 'fwd', arc = 'fwd.example', from = { 'bank.example' } },\n"
                    "{ name = 'elsewhere', arc = 'fwd.example', networks = { '::1' } } }");
    add_chain(c);
}

static void expect(struct policy_case *c, const char *expression, const char *want)
{
    struct moon_verdict v = policy_case_decide(c);
    const char *got = v.failure ? v.failure : v.reason ? v.reason : "(no reason)";
    if (strcmp(got, want) != 0)
        fail_msg("%s: got %s, want %s", expression, got, want);
    policy_case_end(c);
}

static void policies_see_the_chain_and_its_sets(void **state)
{
    static const char *const table[][2] = {
        {"m.arc.result", "pass"},
        {"'[' .. m.arc.reason .. ']'", "[]"},
        {"m.arc.verified", "true"},
        {"m.arc.temperror", "false"},
        {"m.arc.instances", "2"},
        {"m.arc.oldest_pass", "0"},
        {"m.arc.failed_instance", "nil"},
        {"m.arc.failed_part", "nil"},
        {"m.arc.body_changed_after", "nil"},
        {"#m.arc.sets", "2"},
        {"m.arc.sets[1].domain .. m.arc.sets[1].selector", "fwd.examples1"},
        {"m.arc.sets[2].cv .. m.arc.sets[2].authserv_id", "passmx.fwd.example"},
        {"m.arc.sets[1].seal .. m.arc.sets[1].signature", "passpass"},
        {"m.arc.sets[1].signature_domain", "mx.fwd.example"},
        {"m.arc.sets[1].body", "intact"},
        {"m.arc.sets[1].body_length", "nil"},
        {"m.arc.sets[1].bits .. m.arc.sets[1].algorithm", "2048rsa-sha256"},
        {"m.arc.sets[1].signed_at", "1700000000"},
        {"m.arc.sets[2].signed_at", "nil"},
        {"#m.arc.sets[1].results", "2"},
        {"m.arc.sets[1].results[1].method", "dmarc"},
        {"m.arc.sets[1].results[1].properties['header.from']", "bank.example"},
        {"m.arc.sets[1].results[1].reason", "nil"},
        {"m.arc.sets[1].results[2].result", "fail"},
        {"m.arc.sets[1].results[2].reason", "body hash"},
        {"m.arc.sets[1].results[3]", "nil"},
        {"m.arc.sets[3]", "nil"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct policy_case c;
        begin_with(&c, table[i][0]);
        expect(&c, table[i][0], table[i][1]);
    }
}

static void a_listed_sealer_vouches(void **state)
{
    static const char *const table[][2] = {
        {"m.arc:vouches(l, 'dmarc')", "true"},
        {"m.arc:vouches(l, 'dkim')", "false"},
        {"m.arc:vouches(l, 'spf')", "false"},
        {"m.arc:vouches(l[2], 'dmarc')", "false"},
        {"m.arc:vouches(l[3], 'dmarc')", "true"},
        {"m.arc:vouches('FWD.example.', 'dmarc')", "true"},
        {"m.arc:vouches('last.example', 'dmarc')", "false"},
        {"m.arc:vouches('', 'dmarc')", "false"},
        {"l:match(m).name", "fwd"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct policy_case c;
        begin_with(&c, table[i][0]);
        expect(&c, table[i][0], table[i][1]);
    }
}

/* What it takes away from the good case, for a list, an entry and a condition alike. */
static void nobody_vouches_when_something_is_missing(void **state)
{
    static const char asked[] = "tostring(m.arc:vouches(l, 'dmarc')) .. "
                                "tostring(m.arc:vouches(l[3], 'dmarc')) .. tostring(l:match(m))";
    (void)state; /* cmocka's, not used */
    for (int missing = 0; missing < 4; missing++) {
        struct policy_case c;
        begin_with(&c, asked);
        struct moon_arc *arc = &c.results.arc;
        if (missing == 0)
            arc->result = MOON_RESULT_FAIL;
        else if (missing == 1)
            arc->verified = false;
        else if (missing == 2)
            arc->sets[0].signature = signature_of(MOON_RESULT_FAIL, MOON_ARC_BODY_CHANGED);
        else
            arc->sets[0].domain = NULL;
        expect(&c, asked, "falsefalsenil");
    }
}

/* An entry of a list counts only while its other conditions hold. */
static void a_list_vouches_by_entries_that_hold(void **state)
{
    static const char asked[] = "tostring(m.arc:vouches(l, 'dmarc')) .. "
                                "tostring(m.arc:vouches(l[3], 'dmarc'))";
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    begin_with(&c, asked);
    c.results.from.domain = "else.example";
    expect(&c, asked, "falsefalse");
}

static void failures_and_limits_are_facts(void **state)
{
    static const char asked[] =
        "tostring(m.arc.oldest_pass) .. tostring(m.arc.failed_instance) .. m.arc.failed_part .. "
        "tostring(m.arc.temperror) .. m.arc.body_changed_after .. tostring(m.arc.sets[1].seal) .. "
        "m.arc.sets[1].body .. m.arc.reason";
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    begin_with(&c, asked);
    struct moon_arc *arc = &c.results.arc;
    arc->result = MOON_RESULT_FAIL;
    arc->reason = "why";
    arc->temperror = true;
    arc->failed_instance = 2;
    arc->failed_part = "seal";
    arc->body_changed_after = 1;
    arc->sets[0].seal_result = MOON_RESULT_NONE;
    arc->sets[0].signature.body = MOON_ARC_BODY_CHANGED;
    expect(&c, asked, "nil2sealtrue1nilchangedwhy");
    begin_with(&c, "m.arc.oldest_pass");
    c.results.arc.oldest_pass = -1;
    expect(&c, "m.arc.oldest_pass", "nil");
}

static void the_answer_is_noted_for_the_record(void **state)
{
    struct policy_case c;
    bool found = false;
    (void)state; /* cmocka's, not used */
    begin_with(&c, "m.arc:vouches(l, 'dmarc')");
    struct moon_verdict v = policy_case_decide(&c);
    for (size_t i = 0; i < v.fact_count; i++)
        found = found || strcmp(v.facts[i], "arc:vouches(dmarc)=yes") == 0;
    assert_true(found);
    policy_case_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_see_the_chain_and_its_sets),
        cmocka_unit_test(a_listed_sealer_vouches),
        cmocka_unit_test(nobody_vouches_when_something_is_missing),
        cmocka_unit_test(a_list_vouches_by_entries_that_hold),
        cmocka_unit_test(failures_and_limits_are_facts),
        cmocka_unit_test(the_answer_is_noted_for_the_record),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
