/* SPDX-License-Identifier: MIT
 *
 * Tests of what policies override DMARC by: lists and forwarders as facts, entries of lists, local
 * policy by author; and that the verdict tells the entry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/policy_case.h"

#define HEAD "local moon = require 'moonscan'\nreturn { message = function(m)\n"
#define TAIL "\nend }"

/* The policy's expression must be true. */
static void expect_true(struct policy_case *c, const char *expression)
{
    char text[2048];
    (void)snprintf(text, sizeof text, HEAD "if %s then return moon.discard {} end" TAIL,
                   expression);
    policy_case_policy(c, text);
    struct moon_verdict verdict = policy_case_decide(c);
    if (verdict.kind != MOON_VERDICT_DISCARD)
        fail_msg("%s: %s", expression, verdict.failure ? verdict.failure : "is false");
    policy_case_end(c);
}

static void the_owner_of_a_list_may_be_verified(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    policy_case_begin(&c);
    expect_true(&c, "m.list.id and not m.list.verified and m.list.verified_by == nil");
    policy_case_begin(&c);
    c.sigs[1].domain = "alumni.example";
    expect_true(&c, "m.list.verified and m.list.verified_by == 'dkim' and "
                    "m.list.verified_domain == 'alumni.example'");
}

static void what_a_forwarder_says_can_be_read(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    policy_case_begin(&c);
    expect_true(&c, "m.forwarding.pattern == nil and not m.forwarding.verified and "
                    "m.forwarding.forwarder == nil");
    policy_case_begin(&c);
    c.msg.mail_from = "SRS0=UmZf=4G=bank.example=a@fwd.example";
    expect_true(&c, "m.forwarding.pattern == 'srs' and m.forwarding.verified and "
                    "m.forwarding.forwarder == 'fwd.example' and "
                    "m.forwarding.original == 'a@bank.example' and "
                    "m.forwarding.original_domain == m.from.domain and "
                    "m.forwarding.mailbox == nil and m.forwarding.destination == nil");
    policy_case_begin(&c);
    c.msg.mail_from = "joe+caf_=x=acme.example@fwd.example";
    c.results.spf.result = MOON_RESULT_SOFTFAIL;
    expect_true(&c, "m.forwarding.pattern == 'gmail' and not m.forwarding.verified and "
                    "m.forwarding.mailbox == 'joe@fwd.example' and "
                    "m.forwarding.destination == m.recipients[1]");
}

/* --- lists --------------------------------------------------------------------------------------
 */

#define LIST_POLICY(body)                                                                          \
    "local moon = require 'moonscan'\nlocal l = moon.list 'l'\n"                                   \
    "return { message = function(m)\n" body "\nend }"

static void begin_list(struct policy_case *c, const char *policy, const char *list)
{
    policy_case_begin(c);
    policy_case_policy(c, policy);
    policy_case_add(c, "list/tenants/lists/l.lua", list);
}

static bool has_fact(const struct moon_verdict *v, const char *want)
{
    for (size_t i = 0; i < v->fact_count; i++)
        if (!strcmp(v->facts[i], want))
            return true;
    return false;
}

static void expect_fact(const struct moon_verdict *v, const char *want)
{
    if (!has_fact(v, want))
        fail_msg("got %s, want %s", v->fact_count ? v->facts[v->fact_count - 1] : "none", want);
}

/* The standard message has List-Id news.Alumni.example; fwd.example passes SPF and DKIM. */
static void a_list_counts_with_a_pass_of_its_owner_or_of_whom_the_entry_names(void **state)
{
    static const struct {
        const char *list, *signer;
        bool want;
    } table[] = {
        {"list_id = 'news.alumni.example'", "alumni.example", true},
        {"list_id = { 'x.y', 'News.Alumni.Example' }", "alumni.example", true},
        {"list_id = '.alumni.example'", "alumni.example", true},
        {"list_id = 'alumni.example'", "alumni.example", false},
        {"list_id = '.news.alumni.example'", "alumni.example", false},
        {"list_id = 'other.alumni.example'", "alumni.example", false},
        /* anybody can write a List-Id */
        {"list_id = 'news.alumni.example'", "fwd.example", false},
        {"list_id = 'news.alumni.example', dkim = 'fwd.example'", "fwd.example", true},
        {"list_id = 'news.alumni.example', spf = 'fwd.example'", "x.example", true},
        {"list_id = 'news.alumni.example', networks = '192.0.2.0/24'", "x.example", true},
        {"list_id = 'news.alumni.example', networks = '192.0.2.200'", "x.example", false},
        {"list_id = 'news.alumni.example', from = 'bank.example'", "fwd.example", false},
        {"list_id = 'news.alumni.example', mail_from = 'fwd.example'", "fwd.example", false},
        {"list_id = 'news.alumni.example', recipients = 'acme.example'", "fwd.example", false},
        {"list_id = 'news.alumni.example', dmarc = 'any'", "fwd.example", false},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct policy_case c;
        char list[300];
        (void)snprintf(list, sizeof list, "return { { name = 'n', %s } }", table[i].list);
        begin_list(&c, LIST_POLICY("return l:match(m) and moon.discard {}"), list);
        c.sigs[1].domain = table[i].signer;
        struct moon_verdict v = policy_case_decide(&c);
        if ((v.kind == MOON_VERDICT_DISCARD) != table[i].want || v.failure)
            fail_msg("%s signed by %s: %s", table[i].list, table[i].signer,
                     v.failure ? v.failure : "the other way round");
        policy_case_end(&c);
    }
}

static void two_identifiers_are_no_list(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    begin_list(&c, LIST_POLICY("return l:match(m) and moon.discard {}"),
               "return { { name = 'n', dkim = 'fwd.example', list_id = '.alumni.example' } }");
    c.fields[c.msg.field_count] = c.fields[c.msg.field_count - 1];
    c.msg.field_count++;
    assert_int_equal(policy_case_decide(&c).kind, MOON_VERDICT_QUARANTINE); /* built-in */
    policy_case_end(&c);
}

static void the_entry_of_an_override_is_told_with_list_line_and_reason(void **state)
{
    static const char list[] =
        "return {\n  'x.example',\n  { name = 'Old server', dkim = "
        "'fwd.example',\n    networks = { '192.0.2.0/24' }, note = 'n 1' },\n"
        "}";
    static const struct {
        const char *policy, *comment;
    } table[] = {
        {LIST_POLICY("local e = l:match(m) return moon.accept { override = 'trusted_forwarder', "
                     "via = e }"),
         "Old server: n 1"},
        {LIST_POLICY("local e = l:match(m) return moon.accept { override = 'trusted_forwarder', "
                     "comment = 'known' }"),
         "known"},
        {LIST_POLICY("return l:match(m) and moon.accept { override = 'trusted_forwarder' }"),
         "Old server: n 1"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct policy_case c;
        begin_list(&c, table[i].policy, list);
        struct moon_verdict v = policy_case_decide(&c);
        if (v.failure)
            fail_msg("%s", v.failure);
        assert_string_equal(v.override, "trusted_forwarder");
        assert_string_equal(v.comment, table[i].comment);
        assert_non_null(v.via);
        assert_string_equal(v.via->list, "tenants/lists/l.lua");
        assert_string_equal(v.via->entry, "Old server");
        assert_int_equal(v.via->line, 3);
        assert_string_equal(v.via->by, "dkim=fwd.example networks=192.0.2.0/24");
        expect_fact(&v, "l:match=Old server (tenants/lists/l.lua:3 dkim=fwd.example "
                        "networks=192.0.2.0/24)");
        policy_case_end(&c);
    }
}

static void an_override_goes_by_no_entry_that_did_not_match(void **state)
{
    static const char *const policies[] = {
        LIST_POLICY("return moon.accept { override = 'local_policy', comment = 'c' }"),
        LIST_POLICY("l:match(m) return moon.accept { override = 'local_policy', comment = 'c' }"),
        LIST_POLICY("l:match(m) return moon.accept { comment = 'c' }"),
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        struct policy_case c;
        begin_list(&c, policies[i], "return { 'x.example' }");
        struct moon_verdict v = policy_case_decide(&c);
        assert_null(v.failure);
        assert_null(v.via);
        assert_string_equal(v.comment, "c");
        policy_case_end(&c);
    }
}

/* Named by the policy itself: told, but by nothing. */
static void an_entry_that_does_not_hold_is_told_without_reason(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    begin_list(&c, LIST_POLICY("return moon.accept { override = 'other', via = l[1] }"),
               "return { { name = 'n', dkim = { 'fwd.example' }, from = 'x.example' } }");
    struct moon_verdict v = policy_case_decide(&c);
    assert_null(v.failure);
    assert_string_equal(v.via->by, "");
    assert_string_equal(v.comment, "n");
    policy_case_end(&c);
}

static void an_entry_that_has_expired_is_named(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    begin_list(&c, LIST_POLICY("return moon.accept { reason = l:match(m) and 'yes' or 'no' }"),
               "return { { name = 'a', dkim = 'x.example', expires = '2026-09-20' },"
               "{ name = 'b', dkim = 'fwd.example', expires = '2026-09-20' } }");
    struct moon_verdict v = policy_case_decide(&c);
    assert_string_equal(v.reason, "no");
    expect_fact(&v, "l:match=none (b has expired)");
    policy_case_end(&c);
}

/* --- local policy by author --------------------------------------------------------------------
 */

/* From a@bank.example, DMARC as given: "VERDICT | override | comment | text". */
static void expect_verdict(const char *entries, enum moon_result dmarc, const char *want)
{
    struct policy_case c;
    char list[700], got[700];
    (void)snprintf(list, sizeof list, "return { %s }", entries);
    begin_list(&c, LIST_POLICY("return l:verdict(m)"), list);
    c.conf.policy = "monitor";
    c.results.dmarc.result = dmarc;
    struct moon_verdict v = policy_case_decide(&c);
    if (!strcmp(v.layer, "built-in"))
        (void)snprintf(got, sizeof got, "nothing");
    else
        (void)snprintf(got, sizeof got, "%s | %s | %s | %s", moon_verdict_name(v.kind),
                       v.override ? v.override : "-", v.comment ? v.comment : "-",
                       v.failure ? v.failure
                       : v.text  ? v.text
                                 : "-");
    if (!strstr(got, want))
        fail_msg("%s, dmarc=%s: got %s, want %s", entries, moon_result_name(dmarc), got, want);
    assert_true(v.failure || !strcmp(v.layer, "built-in") || v.via);
    policy_case_end(&c);
}

#define BANKS "{ name = 'banks', from = { 'x.example', 'bank.example' }, verdict = "

static void a_list_says_what_happens_to_an_authors_mail(void **state)
{
    static const struct {
        const char *entries;
        enum moon_result dmarc;
        const char *want;
    } table[] = {
        {BANKS "'reject' }", MOON_RESULT_FAIL,
         "reject | local_policy | banks | mail from bank.example that fails DMARC is refused by "
         "local policy"},
        {BANKS "'reject', text = 'no', note = 'they asked' }", MOON_RESULT_FAIL,
         "reject | local_policy | banks: they asked | no"},
        {BANKS "'defer' }", MOON_RESULT_FAIL,
         "defer | local_policy | banks | mail from bank.example that fails DMARC is deferred"},
        {BANKS "'quarantine' }", MOON_RESULT_FAIL, "quarantine | local_policy | banks | -"},
        {BANKS "'quarantine', override = 'other' }", MOON_RESULT_FAIL,
         "quarantine | other | banks | -"},
        {BANKS "'reject' }", MOON_RESULT_PASS, "nothing"},
        {BANKS "'reject' }", MOON_RESULT_NONE, "nothing"},
        {BANKS "'reject' }", MOON_RESULT_TEMPERROR, "nothing"},
        {BANKS "'reject', dmarc = { 'fail', 'none' } }", MOON_RESULT_NONE,
         "reject | local_policy | banks | mail from bank.example is refused by local policy"},
        {BANKS "'reject', dmarc = 'any' }", MOON_RESULT_PASS, "reject | local_policy"},
        {BANKS "'accept', spf = 'fwd.example' }", MOON_RESULT_FAIL,
         "accept | local_policy | banks | -"},
        {BANKS "'accept', spf = 'x.example' }", MOON_RESULT_FAIL, "nothing"},
        {BANKS "'reject', expires = '2026-09-20' }", MOON_RESULT_FAIL, "nothing"},
        {"{ name = 'o', from = '.bank.example', verdict = 'reject' }", MOON_RESULT_FAIL, "nothing"},
        {"{ name = 'o', mail_from = 'fwd.example', verdict = 'reject' }", MOON_RESULT_FAIL,
         "reject | local_policy | o"},
        {BANKS "'quarantine' }, { name = 'o', from = 'bank.example', verdict = 'reject' }",
         MOON_RESULT_FAIL, "quarantine"},
        {"", MOON_RESULT_FAIL, "nothing"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect_verdict(table[i].entries, table[i].dmarc, table[i].want);
}

static void a_wrong_local_policy_is_refused_with_the_cure(void **state)
{
    static const char *const table[][2] = {
        {BANKS "'accept' }",
         "verdict = \"accept\" needs dkim, spf, arc, networks, hosts or list_id"},
        {BANKS "'accept', mail_from = 'bank.example' }", "verdict = \"accept\" needs dkim"},
        {BANKS "'discard' }", "verdict: 'discard' is none of accept, quarantine, reject, defer"},
        {BANKS "'none' }", "verdict: 'none' is none of accept"},
        {BANKS "'rejct' }", "verdict: 'rejct' is none of accept"},
        {BANKS "5 }", "verdict must be a text, not a number"},
        {BANKS "'reject', override = 'forwarded' }", "override is none of RFC 9990"},
        {BANKS "'quarantine', text = 'no' }", "only who is refused or deferred is told a text"},
        {BANKS "'reject', dmarc = 'failed' }", "'failed' is no result"},
        {"{ name = 'a', verdict = 'reject' }", "whose mail? Name from, mail_from or how"},
        {"{ name = 'a', recipients = 'acme.example', verdict = 'reject' }", "whose mail?"},
        {BANKS "'reject' }, 'a.example'",
         "l.lua:1: item 2: it says no verdict, but others of this list do; make two lists"},
        {BANKS "'reject' }, { name = 'a', dkim = 'a.example' }", "item 2: it says no verdict"},
        {"'a.example'", "the entries of tenants/lists/l.lua say no verdict; ask list:match(m)"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect_verdict(table[i][0], MOON_RESULT_FAIL, table[i][1]);
}

static void mistakes_with_lists_are_told(void **state)
{
    static const char *const table[][2] = {
        {"return l:match(m)", "the entries of tenants/lists/l.lua say a verdict; ask list:verdict"},
        {"return l:verdict()", "list:verdict wants the message: list:verdict(m)"},
        {"return l:verdct(m)", "did you mean 'verdict'?"},
        {"return moon.accept { override = 'other', via = 'x' }",
         "moon.accept: via must be the entry that list:match(m) gave, not a string"},
        {"return moon.accept { override = 'other', via = l }", "via must be the entry"},
        {"return moon.accept { via = l[1] }", "moon.accept: via wants an override beside it"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct policy_case c;
        char policy[500];
        (void)snprintf(policy, sizeof policy, LIST_POLICY("%s"), table[i][0]);
        begin_list(&c, policy, "return { " BANKS "'reject' } }");
        struct moon_verdict v = policy_case_decide(&c);
        if (!v.failure || !strstr(v.failure, table[i][1]))
            fail_msg("%s: got %s, want %s", table[i][0], v.failure ? v.failure : "no failure",
                     table[i][1]);
        policy_case_end(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owner_of_a_list_may_be_verified),
        cmocka_unit_test(what_a_forwarder_says_can_be_read),
        cmocka_unit_test(a_list_counts_with_a_pass_of_its_owner_or_of_whom_the_entry_names),
        cmocka_unit_test(two_identifiers_are_no_list),
        cmocka_unit_test(the_entry_of_an_override_is_told_with_list_line_and_reason),
        cmocka_unit_test(an_override_goes_by_no_entry_that_did_not_match),
        cmocka_unit_test(an_entry_that_does_not_hold_is_told_without_reason),
        cmocka_unit_test(an_entry_that_has_expired_is_named),
        cmocka_unit_test(a_list_says_what_happens_to_an_authors_mail),
        cmocka_unit_test(a_wrong_local_policy_is_refused_with_the_cure),
        cmocka_unit_test(mistakes_with_lists_are_told),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
