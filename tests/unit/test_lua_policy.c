/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/policy.c, facts.c, message_facts.c, records.c and verdicts.c: what a policy reads,
 * what it answers, and who is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/policy_case.h"

#define HEAD "local moon = require 'moonscan'\nreturn { message = function(m)\n"
#define TAIL "\nend }"

/* An expression about m on the standard message that must be true. */
static void expect_true(const char *expression)
{
    struct policy_case c;
    char text[2048];
    (void)snprintf(text, sizeof text,
                   HEAD "if %s then return moon.discard {} end return moon.accept {}" TAIL,
                   expression);
    struct moon_verdict verdict = policy_case_run(&c, text);
    if (verdict.kind != MOON_VERDICT_DISCARD)
        fail_msg("%s: got %s", expression, verdict.failure ? verdict.failure : "false");
    policy_case_end(&c);
}

/* A body of message that must fail, and what the failure must be. */
static void expect_failure(const char *body, const char *want)
{
    struct policy_case c;
    char text[2048];
    (void)snprintf(text, sizeof text, HEAD "%s" TAIL, body);
    struct moon_verdict verdict = policy_case_run(&c, text);
    if (verdict.kind != MOON_VERDICT_DEFER || !verdict.failure || !strstr(verdict.failure, want))
        fail_msg("%s:\n  got  %s\n  want %s", body,
                 verdict.failure ? verdict.failure : "no failure", want);
    policy_case_end(&c);
}

static void facts_are_what_was_found(void **state)
{
    static const char *const table[] = {
        "m.session.ip == '192.0.2.7' and m.session.helo == 'out.fwd.example'",
        "m.session.hostname == nil and m.session.tls == nil and m.session.authenticated == nil",
        "m.session.port == nil and m.session.protocol == 'esmtps' and m.session.iprev == 'none'",
        "m.session.interface == nil",
        "m.envelope.mail_from == 'bounce@fwd.example' and not m.envelope.null_sender",
        "m.envelope.mail_from_domain == 'fwd.example'",
        "#m.recipients == 2 and m.recipients[2] == 'Y@acme.example' and m.recipient_count == 3",
        "table.concat(m.recipients, ' ') == 'x@acme.example Y@acme.example'",
        "m.from.address == 'a@bank.example' and m.from.domain == 'bank.example'",
        "m.from.display_name == 'A. Person' and m.from.count == 1 and not m.from.ambiguous",
        "m.from.ours == false and m.from.reason == nil",
        "m.header('subject') == 'Hello world' and m:header('Subject') == 'Hello world'",
        "m.header('X-None') == nil and #m.headers('X-None') == 0",
        "table.concat(m.headers('received'), '|') == 'from one|from two'",
        "m.message_id == '<1@bank.example>' and m.size > 50",
        "m.list.id == 'news.Alumni.example' and m.list.domain == 'alumni.example'",
        "m.list.unsubscribe == nil and m.list.one_click == false",
        "m.spf.result == 'pass' and m.spf.domain == 'fwd.example' and not m.spf.aligned",
        "m.spf.lookups == 2 and m.spf.voids == 0 and m.spf.matched == 'ip4:192.0.2.0/24'",
        "m.spf.scope == 'mfrom' and m.spf.explanation == nil and m.spf_helo.result == 'none'",
        "#m.dkim == 2 and m.dkim[1].result == 'fail' and m.dkim[2].domain == 'fwd.example'",
        "m.dkim[3] == nil and m.dkim[0] == nil and m.dkim.result == 'pass'",
        "m.dkim[1].reason == 'body hash' and m.dkim[1].bits == 2048 and m.dkim[1].aligned",
        "m.dkim[1].body_length == nil and m.dkim[1].signed_at == nil and not m.dkim[1].testing",
        "table.concat(m.dkim[1].headers, ' ') == 'from subject'",
        "m.dkim:passed('fwd.example') and m.dkim:passed('FWD.example.').selector == 's1'",
        "not m.dkim:passed('bank.example') and not m.dkim:passed('x.fwd.example')",
        "m.dkim:passed(nil) == nil and m.dkim:aligned_pass() == nil",
        "(function() local n = 0 for i, s in ipairs(m.dkim) do n = n + i end return n end)() == 3",
        "m.arc.result == 'none' and m.arc.instances == 0 and #m.arc.sets == 0",
        "m.arc.verified == false and m.arc.oldest_pass == nil and m.arc.failed_instance == nil",
        "m.arc:vouches('x.example', 'dmarc') == false",
        "m.dmarc.result == 'fail' and m.dmarc.policy == 'reject' and m.dmarc.published == 'reject'",
        "m.dmarc.record == 'v=DMARC1; p=reject' and m.dmarc.tags.p == 'reject'",
        "m.dmarc.policy_domain == 'bank.example' and m.dmarc.discovery == 'treewalk'",
        "m.dmarc.organizational_domain == 'bank.example' and m.dmarc.psd == 'u'",
        "not m.dmarc.testing and m.dmarc.error == nil and m.dmarc.bimi_eligible",
        "m.dmarc.parked == true",
        "not m.dmarc.alignment.dkim and not m.dmarc.alignment.spf",
        "m.dmarc.alignment.dkim_mode == 'relaxed' and m.dmarc.alignment.spf_mode == 'relaxed'",
        "m.tenant.name == 'acme'",
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect_true(table[i]);
}

static void a_wrong_name_is_an_error_that_names_the_right_one(void **state)
{
    static const char *const table[][2] = {
        {"return m.dmrc", "tenants/acme.lua:3: m has no field 'dmrc'; did you mean 'dmarc'?"},
        {"local d = m.dmarc\nreturn d.reslt",
         "tenants/acme.lua:4: m.dmarc has no field 'reslt'; did you mean 'result'?"},
        {"return m.dkim[1].domian", "m.dkim[i] has no field 'domian'; did you mean 'domain'?"},
        {"return m.dkim.domain", "m.dkim has no field 'domain'; it has: result, found"},
        {"return m.session.IP", "did you mean 'ip'?"},
        {"return m.list.zzzzz", "m.list has no field 'zzzzz'; it has: id, unsubscribe"},
        {"return m[1]", "m has no field of type number"},
        {"return moon.cuont 'x'", "moon has no field 'cuont'; did you mean 'count'?"},
        {"return moon.dsn 'x'", "moon has no field 'dsn'; did you mean 'dns'?"},
        {"return moon.acept {}", "moon has no field 'acept'; did you mean 'accept'?"},
        {"return m.dkim.passed('x')", "call this function of m.dkim with a colon"},
        {"return #m.dmarc", "m.dmarc is no list"},
        {"for k in pairs(m) do end", "pairs wants a table"},
        {"return m.arc:vouches('x', 'dkmi')", "m.arc:vouches wants"},
        {"return m.arc:vouches(nil, 'dkim')", "m.arc:vouches wants a list, an entry of one"},
        {"return m.arc:vouches({}, 'dkim')", "m.arc:vouches wants a list, an entry of one"},
        {"return m.from.domain .. nil", "tenants/acme.lua:3: attempt to concatenate"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect_failure(table[i][0], table[i][1]);
}

static void constructors_check_their_fields(void **state)
{
    static const char *const table[][2] = {
        {"return moon.reject { esc = '4.7.1' }",
         "tenants/acme.lua:3: moon.reject: esc must start with 5"},
        {"return moon.defer { esc = '5.7.1' }", "moon.defer: esc must start with 4"},
        {"return moon.accept { esc = '5.7.1' }", "moon.accept: esc must start with 2"},
        {"return moon.reject { esc = '5.7' }", "'5.7' is no enhanced status code"},
        {"return moon.reject { esc = '5.7.1234' }", "no enhanced status code"},
        {"return moon.reject { esc = '5.7.1 ' }", "no enhanced status code"},
        {"return moon.reject { esc = 571 }", "esc must be a text"},
        {"return moon.reject { txt = 'x' }",
         "moon.reject has no field 'txt'; did you mean 'text'?"},
        {"return moon.reject { text = 5 }", "text must be a text, not a number"},
        {"return moon.reject 'no'", "moon.reject wants a table"},
        {"return moon.reject { 'no' }", "moon.reject wants named fields"},
        {"return moon.accept { override = 'forwarder' }",
         "override 'forwarder' is none of RFC 9990"},
        {"return moon.accept { override = 5 }", "is none of RFC 9990"},
        {"return moon.accept { headers = 'X-A: b' }", "headers must be a list"},
        {"return moon.accept { headers = { ['X-A'] = 'b' } }", "headers must be a list"},
        {"return moon.accept { headers = { 'no colon' } }", "header 1 is not like"},
        {"return moon.accept { headers = { 'X-A: b', 'X B: c' } }", "header 2 is not like"},
        {"return moon.accept { headers = { 5 } }", "header 1 is not like"},
        {"return moon.accept { tag = {} }", "tag must be a text, not a table"},
        {"return moon.accept", "tenants/acme.lua:2: the function that starts here returned a "
                               "function; return moon.accept { }"},
        {"return 'reject'", "tenants/acme.lua:2: the function that starts here returned a string"},
        {"return true", "returned a boolean"},
        {"return m", "returned a userdata"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect_failure(table[i][0], table[i][1]);
}

static void a_verdict_comes_whole(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    struct moon_verdict v = policy_case_run(
        &c, HEAD "return moon.reject { esc = '5.7.1', text = 'one\\ntwo', override = 'other',\n"
                 "comment = 'because', tag = '[SPAM]', reason = 'for the log',\n"
                 "headers = { 'X-A: b', 'X-C:d' } }" TAIL);
    assert_int_equal(v.kind, MOON_VERDICT_REJECT);
    assert_string_equal(v.esc, "5.7.1");
    assert_string_equal(v.text, "one\ntwo");
    assert_string_equal(v.override, "other");
    assert_string_equal(v.comment, "because");
    assert_string_equal(v.tag, "[SPAM]");
    assert_string_equal(v.reason, "for the log");
    assert_int_equal(v.header_count, 2);
    assert_string_equal(v.headers[1], "X-C:d");
    assert_string_equal(v.rule, "tenants/acme.lua:3");
    assert_string_equal(v.layer, "tenant");
    assert_null(v.failure);
    policy_case_end(&c);
    v = policy_case_run(&c, HEAD "return moon.accept()" TAIL);
    assert_int_equal(v.kind, MOON_VERDICT_ACCEPT);
    assert_null(v.text);
    assert_null(v.esc);
    assert_string_equal(v.rule, "tenants/acme.lua:3");
    policy_case_end(&c);
}

static void what_comes_from_the_message_cannot_break_reply_or_header(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    struct moon_verdict v = policy_case_run(
        &c, HEAD "local evil = 'a\\r\\nBcc: x\\0y\\255\\195\\164'\n"
                 "return moon.reject { text = evil .. ('\\nl'):rep(20) .. ('z'):rep(2000),\n"
                 "comment = evil, reason = evil, tag = ('t'):rep(100),\n"
                 "headers = { 'X-A: ' .. evil, 'X-B: ' .. ('b'):rep(2000) } }" TAIL);
    assert_int_equal(v.kind, MOON_VERDICT_REJECT);
    assert_string_equal(v.text, "a\nBcc: x y???\nl\nl\nl");
    assert_null(strpbrk(v.comment, "\r\n"));
    assert_int_equal(strlen(v.tag), 60);
    assert_int_equal(v.header_count, 2);
    assert_null(strpbrk(v.headers[0], "\r\n"));
    assert_int_equal(strlen(v.headers[1]), 998);
    policy_case_end(&c);
    v = policy_case_run(&c, HEAD "return moon.reject { text = ('z'):rep(2000) }" TAIL);
    assert_int_equal(strlen(v.text), 500);
    policy_case_end(&c);
    v = policy_case_run(&c, HEAD "return moon.reject { text = ('\\n'):rep(2000) }" TAIL);
    assert_null(v.text);
    policy_case_end(&c);
    /* Lines that are left out cost the decision, which other tenants share, no memory. */
    v = policy_case_run(&c, HEAD "return moon.reject { text = ('\\n'):rep(2000000) .. 'x' }" TAIL);
    assert_string_equal(v.text, "x");
    assert_true(moon_arena_used_bytes(c.arena) < 1000000);
    policy_case_end(&c);
}

static void the_table_changed_behind_the_check_does_no_harm(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    struct moon_verdict v = policy_case_run(
        &c, HEAD "local h = { 'X-A: b', 'X-B: c' }\nlocal t = { headers = h, esc = '5.7.1' }\n"
                 "local v = moon.reject(t)\nt.esc = '2.0.0' t.override = 'x' h[2] = 'no colon'\n"
                 "t.text = {} t.headers[3] = 5 return v" TAIL);
    assert_int_equal(v.kind, MOON_VERDICT_REJECT);
    assert_null(v.esc);
    assert_null(v.override);
    assert_null(v.text);
    assert_int_equal(v.header_count, 1);
    policy_case_end(&c);
}

static void facts_read_are_noted_in_order_once(void **state)
{
    static const char *const want[] = {"dmarc.result",
                                       "from.domain",
                                       "#dkim",
                                       "dkim[2].domain",
                                       "header(Subject)",
                                       "recipients",
                                       "dkim:passed(fwd.example)",
                                       "spf.result"};
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    policy_case_begin(&c);
    policy_case_policy(&c, HEAD "local a, b = m.dmarc.result, m.from.domain\n"
                                "a = m.dmarc.result a = #m.dkim a = m.dkim[2].domain\n"
                                "a = m.header('Subject') a = m.recipients\n"
                                "a = m.dkim:passed('fwd.example')" TAIL);
    policy_case_add(&c, "site", "site.lua");
    policy_case_add(&c, "policy/site.lua",
                    HEAD "if m.spf.result == 'pass' then return moon.accept {} end" TAIL);
    struct moon_verdict v = policy_case_decide(&c);
    assert_null(v.failure);
    assert_int_equal(v.fact_count, sizeof want / sizeof want[0]);
    for (size_t i = 0; i < v.fact_count; i++)
        assert_string_equal(v.facts[i], want[i]);
    policy_case_end(&c);
}

static void layers_are_asked_from_the_tenant_down(void **state)
{
    static const struct {
        const char *tenant, *site;
        enum moon_verdict_kind want;
        const char *layer, *rule;
    } table[] = {
        {"return moon.discard {}", "return moon.defer {}", MOON_VERDICT_DISCARD, "tenant",
         "tenants/acme.lua:3"},
        {"", "return moon.defer {}", MOON_VERDICT_DEFER, "site", "site.lua:3"},
        {"", "", MOON_VERDICT_QUARANTINE, "built-in", "built-in:standard"},
        {NULL, "return moon.defer {}", MOON_VERDICT_DEFER, "site", "site.lua:3"},
        {NULL, NULL, MOON_VERDICT_QUARANTINE, "built-in", "built-in:standard"},
        {"", "error 'broken'", MOON_VERDICT_DEFER, "failure", "site.lua:3"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct policy_case c;
        char text[300];
        policy_case_begin(&c);
        policy_case_add(&c, "tenant/acme", table[i].tenant ? "tenants/acme.lua" : "");
        if (table[i].tenant) {
            (void)snprintf(text, sizeof text, HEAD "%s" TAIL, table[i].tenant);
            policy_case_add(&c, "policy/tenants/acme.lua", text);
        }
        if (table[i].site) {
            (void)snprintf(text, sizeof text, HEAD "%s" TAIL, table[i].site);
            policy_case_add(&c, "site", "site.lua");
            policy_case_add(&c, "policy/site.lua", text);
        }
        struct moon_verdict v = policy_case_decide(&c);
        assert_int_equal(v.kind, table[i].want);
        assert_string_equal(v.layer, table[i].layer);
        assert_string_equal(v.rule, table[i].rule);
        policy_case_end(&c);
    }
}

static void a_group_decides_when_all_recipients_belong_to_it(void **state)
{
    static const struct {
        size_t first, count;
        const char *groups;
        enum moon_verdict_kind want;
        const char *layer;
    } table[] = {
        {0, 1, "x = moon_discard", MOON_VERDICT_DISCARD, "recipient"},
        {0, 1, "['x@acme.example'] = moon_discard", MOON_VERDICT_DISCARD, "recipient"},
        {1, 1, "['y@acme.example'] = moon_discard", MOON_VERDICT_DISCARD, "recipient"},
        {0, 2, "x = moon_discard", MOON_VERDICT_DEFER, "tenant"},
        {0, 2, "x = moon_discard, y = moon_discard", MOON_VERDICT_DISCARD, "recipient"},
        {0, 2, "x = moon_discard, y = function() end", MOON_VERDICT_DEFER, "tenant"},
        {0, 1, "x = function() end", MOON_VERDICT_DEFER, "tenant"},
        {0, 0, "x = moon_discard", MOON_VERDICT_DEFER, "tenant"},
        {0, 1, "x = 5", MOON_VERDICT_DEFER, "failure"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct policy_case c;
        char text[500];
        policy_case_begin(&c);
        (void)snprintf(text, sizeof text,
                       "local moon = require 'moonscan'\n"
                       "local moon_discard = function(m) return moon.discard {} end\n"
                       "return { message = function(m) return moon.defer {} end,\n"
                       "recipients = { %s } }",
                       table[i].groups);
        policy_case_policy(&c, text);
        c.indices[0] = table[i].first;
        c.input.recipient_count = table[i].count;
        struct moon_verdict v = policy_case_decide(&c);
        if (v.kind != table[i].want || strcmp(v.layer, table[i].layer))
            fail_msg("%s: got %d %s", table[i].groups, (int)v.kind, v.layer);
        policy_case_end(&c);
    }
}

static void the_failure_verdict_is_the_declared_one(void **state)
{
    static const struct {
        enum moon_failure failure;
        enum moon_verdict_kind want;
    } table[] = {{MOON_FAILURE_DEFER, MOON_VERDICT_DEFER},
                 {MOON_FAILURE_ACCEPT, MOON_VERDICT_ACCEPT},
                 {MOON_FAILURE_QUARANTINE, MOON_VERDICT_QUARANTINE},
                 {MOON_FAILURE_REJECT, MOON_VERDICT_REJECT}};
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct policy_case c;
        policy_case_begin(&c);
        c.conf.failure = table[i].failure;
        policy_case_policy(&c, HEAD "local x = m.header('a')\nreturn x.y" TAIL);
        struct moon_verdict v = policy_case_decide(&c);
        assert_int_equal(v.kind, table[i].want);
        assert_string_equal(v.layer, "failure");
        assert_string_equal(v.rule, "tenants/acme.lua:4");
        assert_non_null(strstr(v.failure, "attempt to index a nil value (local 'x')"));
        assert_null(v.text); /* the client learns nothing of it */
        assert_int_equal(v.fact_count, 1);
        policy_case_end(&c);
    }
}

static void own_domains_are_known_by_the_map(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    for (int ours = 0; ours < 2; ours++) {
        policy_case_begin(&c);
        policy_case_policy(&c, HEAD "if m.from.ours then return moon.discard {} end" TAIL);
        policy_case_add(&c, "domain/bank.example", ours ? "acme" : "other");
        struct moon_verdict v = policy_case_decide(&c);
        assert_int_equal(v.kind, ours ? MOON_VERDICT_DISCARD : MOON_VERDICT_QUARANTINE);
        policy_case_end(&c);
    }
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[300];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void a_file_stands_in_every_tenants_place(void **state)
{
    struct policy_case c;
    char folder[] = "/tmp/moon-test-XXXXXX", path[100], command[100];
    struct moon_error error = {""};
    (void)state; /* cmocka's, not used */
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/lists", folder);
    assert_int_equal(mkdir(path, 0755), 0);
    write_file(folder, "p.lua",
               "local moon = require 'moonscan'\nlocal l = moon.list 'fwd'\n"
               "return { message = function(m)\n"
               "if l:match(m) then return moon.discard {} end end }");
    write_file(folder, "lists/fwd.lua", "return { 'fwd.example' }");
    write_file(folder, "bad.lua", "return {\n");
    policy_case_begin(&c);
    assert_int_equal(policy_case_decide(&c).kind, MOON_VERDICT_QUARANTINE);
    (void)snprintf(path, sizeof path, "%s/p.lua", folder);
    assert_int_equal(moon_policies_use_file(c.policies, path, &error), MOON_OK);
    assert_int_equal(policy_case_decide(&c).kind, MOON_VERDICT_DISCARD);
    c.input.tenant = "";
    assert_int_equal(policy_case_decide(&c).kind, MOON_VERDICT_DISCARD);
    (void)snprintf(path, sizeof path, "%s/bad.lua", folder);
    assert_int_equal(moon_policies_use_file(c.policies, path, &error), MOON_ECONF);
    assert_non_null(strstr(error.text, "bad.lua:2:"));
    (void)snprintf(path, sizeof path, "%s/none.lua", folder);
    assert_int_equal(moon_policies_use_file(c.policies, path, &error), MOON_ECONF);
    policy_case_end(&c);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

static void survives_the_failure_of_every_allocation_of_the_arena(void **state)
{
    struct policy_case c;
    bool done = false;
    (void)state; /* cmocka's, not used */
    policy_case_begin(&c);
    policy_case_policy(&c, HEAD "return moon.reject { esc = '5.7.1', text = m.from.domain,\n"
                                "comment = 'c', headers = { 'X-A: b' }, override = 'other' }" TAIL);
    assert_int_equal(policy_case_decide(&c).kind, MOON_VERDICT_REJECT);
    for (size_t n = 1; n < 60 && !done; n++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        struct moon_verdict verdict;
        moon_arena_fail_at(arena, n);
        enum moon_status status = moon_policy_decide(c.policies, arena, &c.input, &verdict);
        assert_true(status == MOON_OK || status == MOON_ENOMEM);
        done = status == MOON_OK;
        if (done) {
            assert_int_equal(verdict.kind, MOON_VERDICT_REJECT);
            assert_null(verdict.failure);
            assert_true(n > 5);
        }
        moon_arena_destroy(&arena);
    }
    assert_true(done);
    policy_case_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_are_what_was_found),
        cmocka_unit_test(a_wrong_name_is_an_error_that_names_the_right_one),
        cmocka_unit_test(constructors_check_their_fields),
        cmocka_unit_test(a_verdict_comes_whole),
        cmocka_unit_test(what_comes_from_the_message_cannot_break_reply_or_header),
        cmocka_unit_test(the_table_changed_behind_the_check_does_no_harm),
        cmocka_unit_test(facts_read_are_noted_in_order_once),
        cmocka_unit_test(layers_are_asked_from_the_tenant_down),
        cmocka_unit_test(a_group_decides_when_all_recipients_belong_to_it),
        cmocka_unit_test(the_failure_verdict_is_the_declared_one),
        cmocka_unit_test(own_domains_are_known_by_the_map),
        cmocka_unit_test(a_file_stands_in_every_tenants_place),
        cmocka_unit_test(survives_the_failure_of_every_allocation_of_the_arena),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
