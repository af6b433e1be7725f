/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/cmd/words.c: what the DATA ACL is told of a decision.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/cmd/words.h"
#include "engine/verdict/decide.h"
#include "tests/support/arena_case.h"
#include "tests/support/authres_case.h"

static struct moon_outcome outcome;
static struct moon_message msg;
static struct moon_span words[MOON_WIRE_WORD_COUNT];

static void assert_word(enum moon_wire_word word, const char *want)
{
    if (!moon_span_is(words[word], want))
        fail_msg("word %d: got %.*s, want %s", word, (int)words[word].n, words[word].p, want);
}

/* A message for as many tenants as `kinds` has letters: what each decides. */
static void decide(enum moon_quarantine how, const char *kinds)
{
    static const char letters[] = "-aqrdx"; /* enum moon_verdict_kind */
    static struct moon_tenant_verdict tenants[20];
    struct moon_conf conf = {.quarantine = how, .snapshot_hash = "test"};
    struct moon_engine engine = {.conf = &conf};

    msg = authres_case_message();
    outcome = (struct moon_outcome){.results = authres_case_results(), .tenants = tenants};
    memset(tenants, 0, sizeof tenants);
    for (const char *kind = kinds; *kind; kind++) {
        struct moon_tenant_verdict *tenant = &tenants[outcome.tenant_count++];
        tenant->tenant = kind == kinds ? "" : moon_arena_printf(arena, "t%d", (int)(kind - kinds));
        tenant->verdict.kind = (enum moon_verdict_kind)(strchr(letters, *kind) - letters);
        tenant->verdict.rule = moon_arena_printf(arena, "site.lua:%d", (int)(kind - kinds));
    }
    assert_int_equal(moon_decide(&engine, arena, &msg, &outcome), MOON_OK);
}

static void one_verdict_tells_what_becomes_of_the_message(void **state)
{
    static const struct {
        const char *kinds, *want;
    } table[] = {
        {"", "accept"},   {"a", "accept"},      {"q", "quarantine"},  {"r", "reject"},
        {"d", "defer"},   {"x", "discard"},     {"aq", "accept"},     {"ar", "accept"},
        {"xa", "accept"}, {"qr", "quarantine"}, {"xq", "quarantine"}, {"xx", "discard"},
        {"rx", "reject"}, {"rd", "defer"},      {"qq", "quarantine"},
    };
    (void)state; /* cmocka's, not used */
    for (int how = MOON_QUARANTINE_NONE; how <= MOON_QUARANTINE_FREEZE; how++)
        for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
            decide((enum moon_quarantine)how, table[i].kinds);
            assert_int_equal(moon_words_of(arena, &msg, &outcome, words), MOON_OK);
            assert_word(MOON_WIRE_WORD_VERDICT, table[i].want);
        }
}

static void tenants_and_rules_stand_in_one_order_and_are_not_many(void **state)
{
    (void)state;
    decide(MOON_QUARANTINE_ROUTER, "aq");
    assert_int_equal(moon_words_of(arena, &msg, &outcome, words), MOON_OK);
    assert_word(MOON_WIRE_WORD_TENANT, "-,t1");
    assert_word(MOON_WIRE_WORD_RULE, "site.lua:0,site.lua:1");
    decide(MOON_QUARANTINE_ROUTER, "aaaaaaaaaaaa");
    outcome.tenants[1].verdict.rule = NULL;
    assert_int_equal(moon_words_of(arena, &msg, &outcome, words), MOON_OK);
    assert_word(MOON_WIRE_WORD_TENANT, "-,t1,t2,t3,t4,t5,t6,t7,t8,t9");
    assert_non_null(strstr(words[MOON_WIRE_WORD_RULE].p, "site.lua:0,-,site.lua:2,"));
}

/* The field, with its folds put on one line. */
static const char *unfolded(const char *field)
{
    char *text = moon_arena_cstr(arena, field + strlen("Authentication-Results: "));
    char *to = text;
    for (const char *c = text; *c; c++)
        if (*c == '\n') {
            *to++ = ' ';
            c += strspn(c + 1, " \t");
        } else {
            *to++ = *c;
        }
    *to = '\0';
    return text;
}

static void results_are_told_whether_the_message_is_taken_or_not(void **state)
{
    static const char *const kinds[] = {"a", "r"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        decide(MOON_QUARANTINE_ROUTER, kinds[i]);
        const char *field = moon_authres_compose(arena, &msg, &outcome.results);
        outcome.results.dmarc.policy = i ? MOON_DMARC_POLICY_REJECT : 0;
        assert_int_equal(outcome.added_count, i ? 0 : 1);
        assert_int_equal(moon_words_of(arena, &msg, &outcome, words), MOON_OK);
        assert_non_null(strchr(field, '\n'));
        assert_word(MOON_WIRE_WORD_AUTHRES, unfolded(field));
        assert_word(MOON_WIRE_WORD_SPF, moon_result_name(outcome.results.spf.result));
        assert_word(MOON_WIRE_WORD_DKIM, moon_result_name(outcome.results.dkim.result));
        assert_word(MOON_WIRE_WORD_ARC, moon_result_name(outcome.results.arc.result));
        assert_word(MOON_WIRE_WORD_DMARC, moon_result_name(outcome.results.dmarc.result));
        assert_word(MOON_WIRE_WORD_POLICY, i ? "reject" : "");
    }
    outcome.results.from.domain = "bank.example";
    assert_int_equal(moon_words_of(arena, &msg, &outcome, words), MOON_OK);
    assert_word(MOON_WIRE_WORD_FROM, "bank.example");
}

/* The remark on an override is part of the field, and so of the word. */
static void the_field_that_is_added_is_the_one_that_is_told(void **state)
{
    (void)state;
    decide(MOON_QUARANTINE_ROUTER, "a");
    outcome.added[0].text = "Authentication-Results: mx.test;\n\tspf=none\n\t (remark)";
    assert_int_equal(moon_words_of(arena, &msg, &outcome, words), MOON_OK);
    assert_word(MOON_WIRE_WORD_AUTHRES, "mx.test; spf=none (remark)");
}

static void says_when_memory_runs_out(void **state)
{
    enum moon_status status = MOON_ENOMEM;

    (void)state;
    decide(MOON_QUARANTINE_ROUTER, "r");
    for (size_t n = 1; status != MOON_OK; n++) {
        assert_true(n < 1000);
        moon_arena_fail_at(arena, n);
        status = moon_words_of(arena, &msg, &outcome, words);
        assert_true(n > 1 || status == MOON_ENOMEM);
    }
    moon_arena_fail_at(arena, 0);
    assert_word(MOON_WIRE_WORD_VERDICT, "reject");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, arena_begin, arena_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(one_verdict_tells_what_becomes_of_the_message),
        CASE(tenants_and_rules_stand_in_one_order_and_are_not_many),
        CASE(results_are_told_whether_the_message_is_taken_or_not),
        CASE(the_field_that_is_added_is_the_one_that_is_told),
        CASE(says_when_memory_runs_out),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
