/* SPDX-License-Identifier: MIT
 *
 * Tests of lua/lists.c and list_match.c: what a list may be, and which entry holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lua/lists.h"
#include "tests/support/policy_case.h"

#define HEAD "local moon = require 'moonscan'\nreturn { message = function(m)\n"
#define TAIL "\nend }"

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

/* The name of the entry that matches, "none", or the failure. */
static void expect_match(const char *list, const char *want)
{
    struct policy_case c;
    policy_case_begin(&c);
    c.msg.session.host_name = "MX1.fwd.example";
    policy_case_policy(&c, "local moon = require 'moonscan'\nlocal l = moon.list 'fwd'\n"
                           "return { message = function(m) local e = l:match(m)\n"
                           "return moon.accept { reason = e and e.name or 'none' } end }");
    policy_case_add(&c, "list/tenants/lists/fwd.lua", list);
    struct moon_verdict v = policy_case_decide(&c);
    const char *got = v.failure ? v.failure : v.reason;
    if (!strstr(got, want))
        fail_msg("%s: got %s, want %s", list, got, want);
    policy_case_end(&c);
}

static void every_condition_of_an_entry_must_hold(void **state)
{
    static const char *const table[][2] = {
        {"return {}", "none"},
        {"return { 'fwd.example' }", "fwd.example"},
        {"return { 'bank.example', 'FWD.Example.' }", "fwd.example"},
        {"return { 'x.fwd.example' }", "none"},
        {"return { { name = 'a', dkim = 'fwd.example' } }", "a"},
        {"return { { name = 'a', dkim = 'bank.example' }, { name = 'b', spf = 'fwd.example' } }",
         "b"},
        {"return { { name = 'a', spf = 'bank.example' } }", "none"},
        {"return { { name = 'a', arc = 'fwd.example' } }", "none"},
        {"return { { name = 'a', networks = { '192.0.2.0/24' } } }", "a"},
        {"return { { name = 'a', networks = { '::/0', '192.0.2.8' } } }", "none"},
        {"return { { name = 'a', dkim = 'fwd.example', networks = { '198.51.100.0/24' } } }",
         "none"},
        {"return { { name = 'a', dkim = 'fwd.example', from = { 'bank.example' } } }", "a"},
        {"return { { name = 'a', dkim = 'fwd.example', from = { '.example' } } }", "a"},
        {"return { { name = 'a', dkim = 'fwd.example', from = { '.xample' } } }", "none"},
        {"return { { name = 'a', dkim = 'fwd.example', from = { '.bank.example' } } }", "none"},
        {"return { { name = 'a', dkim = 'fwd.example', from = { 'other.example' } } }", "none"},
        {"return { { name = 'a', dkim = 'fwd.example', recipients = { 'acme.example' } } }", "a"},
        {"return { { name = 'a', dkim = 'fwd.example', recipients = { 'X@acme.example' } } }",
         "none"}, /* y is not among them */
        {"return { { name = 'a', dkim = 'fwd.example',\n"
         "recipients = { 'x@ACME.example', 'y@acme.example' } } }",
         "a"},
        {"return { { name = 'a', dkim = { 'x.example', 'FWD.example' } } }", "a"},
        {"return { { name = 'a', spf = { 'x.example', 'fwd.example' } } }", "a"},
        {"return { { name = 'a', arc = { 'x.example', 'fwd.example' } } }", "none"},
        {"return { { name = 'a', networks = '192.0.2.7' } }", "a"},
        {"return { { name = 'a', dkim = 'fwd.example', from = 'bank.example' } }", "a"},
        {"return { { name = 'a', hosts = 'mx1.fwd.example' } }", "a"},
        {"return { { name = 'a', hosts = { 'fwd.example' } } }", "none"},
        {"return { { name = 'a', hosts = { '.fwd.example' } } }", "a"},
        {"return { { name = 'a', hosts = { '.mx1.fwd.example' } } }", "none"},
        {"return { { name = 'a', dkim = 'fwd.example', mail_from = 'Bounce@FWD.example' } }", "a"},
        {"return { { name = 'a', dkim = 'fwd.example', mail_from = 'fwd.example' } }", "a"},
        {"return { { name = 'a', dkim = 'fwd.example', mail_from = 'x@fwd.example' } }", "none"},
        {"return { { name = 'a', dkim = 'fwd.example', mail_from = '.fwd.example' } }", "none"},
        {"return { { name = 'a', dkim = 'fwd.example', recipients = '.acme.example' } }", "none"},
        {"return { { name = 'a', dkim = 'fwd.example', dmarc = 'fail' } }", "a"},
        {"return { { name = 'a', dkim = 'fwd.example', dmarc = { 'none', 'pass' } } }", "none"},
        {"return { { name = 'a', dkim = 'fwd.example', dmarc = 'any' } }", "a"},
        {"return { { name = 'a', dkim = 'fwd.example', expires = '2026-09-20' } }", "none"},
        {"return { { name = 'a', dkim = 'fwd.example', expires = '2026-09-21' } }", "a"},
        {"return { { name = 'a', dkim = 'fwd.example', expires = '2028-02-29' } }", "a"},
        {"return { { name = 'a', dkim = 'fwd.example', expires = '2026-12-31' } }", "a"},
        {"return { { name = 'a', dkim = 'fwd.example', expires = '2027-01-01', note = 'n' } }",
         "a"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect_match(table[i][0], table[i][1]);
}

static void a_mistake_says_what_to_write_instead(void **state)
{
    static const char *const table[][2] = {
        {"return { { name = 'a', dkim = 'a.example', from = '*.bank.example' } }",
         "from: '*.bank.example' is no domain; everything below a domain is written "
         "\".bank.example\""},
        {"return { { name = 'a', dkim = 'a.example', from = '*.com' } }", "is written \".com\""},
        {"return { { name = 'a', dkim = 'a.example', from = '@bank.example' } }",
         "from: '@bank.example' is no domain; write \"bank.example\""},
        {"return { { name = 'a', dkim = 'a.example', mail_from = '@bank.example' } }",
         "mail_from: '@bank.example' is no domain; write \"bank.example\""},
        {"return { { name = 'a', dkim = 'a.example', from = 'x@bank.example' } }",
         "'x@bank.example' is no domain; write \"bank.example\""},
        {"return { { name = 'a', dkim = '.lists.example' } }",
         "dkim: '.lists.example' is no domain; dkim means exactly this domain: write "
         "\"lists.example\", and each"},
        {"return { '*.lists.example' }", "a text means exactly this domain: write"},
        {"return { { name = 'a', dkim = 'a.example', from = 'com' } }", "'com' is no domain"},
        {"return { { name = 'a', dkim = 'a.example', from = '.' } }", "'.' is no domain"},
        {"return { { name = 'a', dkim = 'a.example', sender = 'x' } }",
         "there is no field 'sender'; use mail_from (the envelope sender) or from"},
        {"return { { name = 'a', dkim = 'a.example', zzzz = 'x' } }",
         "there is no field 'zzzz'; there are name, dkim, spf,"},
        {"return {\n{ name = 'a', dkim = 'a.example',\n expires  == '2030-01-01' } }",
         "fwd.lua:3: 'expires ==' compares; a field is set by one =: expires = ..."},
        {"return {\n{ name = 'a', dkim = expires } }",
         "fwd.lua:2: there is no variable 'expires'; texts stand in quotes, like \"expires\""},
        {"error(\"x:18446744073709551615: there is no variable 'y'\", 0)", "no variable 'y'"},
        {"return { { name = 'a', dkim = 'a.example', expires = 20300101 } }",
         "expires must be a text like \"2030-12-31\", not a number"},
        {"return { { name = 'a', dkim = 'a.example', expires = '2030-02-30' } }",
         "expires: there is no 2030-02-30; the last day of that month is 2030-02-28"},
        {"return { { name = 'a', dkim = 'a.example', expires = '2028-02-30' } }", "2028-02-29"},
        {"return { { name = 'a', dkim = 'a.example', expires = '2030-04-31' } }", "2030-04-30"},
        {"return { { name = 'a', dkim = 'a.example', expires = '2030-12-32' } }", "a date like"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect_match(table[i][0], table[i][1]);
}

static void a_wrong_list_is_refused_with_its_line(void **state)
{
    static const char *const table[][2] = {
        {"return 5", "tenants/lists/fwd.lua:1: a list file returns a table"},
        {"return { name = 'a' }", "returns an array of entries"},
        {"return {\n{ name = 'a', dkim = 'a.example' },\n{ name = 'b' } }",
         "tenants/lists/fwd.lua:3: item 2: dkim, spf, arc, networks, hosts or list_id must say"},
        {"return {\n{ name = 'b', from = { 'a.example' } } }", "fwd.lua:2: item 1: dkim, spf"},
        {"return { { dkim = 'a.example' } }", "item 1: it has no name; say name = \"...\""},
        {"return { 'not a domain' }", "item 1: 'not a domain' is no domain"},
        {"return { 5 }", "item 1: a domain or a table is wanted"},
        {"return { { name = 'a',\ndkim = 'a b' } }", "fwd.lua:2: item 1: dkim: 'a b' is no domain"},
        {"return { { name = 'a',\n networks = { '1.2.3' } } }",
         "fwd.lua:2: item 1: networks: '1.2.3' is no address"},
        {"return { { name = 'a', networks = 5 } }",
         "networks must be a text or a list of texts, not a number"},
        {"return { { name = '', dkim = 'a.example' } }", "item 1: it has no name"},
        {"return { { name = 'a', dkim = { 'a.example', 'b' } } }", "dkim: 'b' is no domain"},
        {"return { { name = 'a', hosts = '*.a.example' } }", "'*.a.example' is no domain"},
        {"return { { name = 'a', mail_from = 'a.example' } }", "anybody can write the rest"},
        {"return { { name = 'a', dkim = 'a.example', mail_from = 'x@y' } }",
         "'x@y' is no address and no domain"},
        {"return { { name = 'a', dkim = 'a.example', dmarc = 'failed' } }",
         "dmarc: 'failed' is no result; it is one of any"},
        {"return { { name = 'a', dkim = 'a.example', text = 'no' } }",
         "override and text belong to entries with a verdict"},
        {"return { { name = 'a', dkim = 'a.example', override = 'other' } }",
         "override and text belong to entries with a verdict"},
        {"return { { name = 'a', networks = {} } }", "a list with something in it is wanted"},
        {"return { { name = 'a', networks = { 5 } } }", "a list of texts is wanted"},
        {"return { { name = 'a', dkim = 'b.example', recipients = { 'x\\0\\0y@c.example' } } }",
         "item 1: an address or a domain has no control bytes"},
        {"return { { name = 5 } }", "name must be a text"},
        {"return { { name = 'a', dkim = 'a.example', expires = 'soon' } }", "must be a date"},
        {"return { { name = 'a', dkim = 'a.example', expires = '2026-13-01' } }", "must be a date"},
        {"return { { nmae = 'a' } }", "there is no field 'nmae'; did you mean 'name'?"},
        {"return { { [1] = 'a' } }", "there is no field '[number]': each value in the braces has"},
        {"local n = ('x'):rep(1000000) local e = { name = 'a', dkim = 'a.example', note = n }\n"
         "local t = {} for i = 1, 100 do t[i] = e end return t",
         "tenants/lists/fwd.lua:1: the list needs more than 16777216 bytes of memory"},
        {"return { { name = ('x'):rep(2000000), dkim = 'a.example' } }",
         "tenants/lists/fwd.lua:1: a text in a list may have 1048576 bytes"},
        {"while true do end", "fwd.lua:1: instruction limit of 10000000 reached"},
        {"return os", "'os' is not available"},
        {"return moon", "'moon' is not available"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect_match(table[i][0], table[i][1]);
}

static void lists_are_read_like_arrays(void **state)
{
    struct policy_case c;
    (void)state; /* cmocka's, not used */
    policy_case_begin(&c);
    policy_case_policy(
        &c, "local moon = require 'moonscan'\nlocal l = moon.list 'fwd'\n"
            "return { message = function(m)\nlocal e = l[2]\n"
            "if #l == 2 and l[1] == 'a.example' and e.name == 'b' and e.networks[1] == '::1' and\n"
            "e.spf == nil and e.dkim == 'x.y' and e.arc[2] == 'b.c' and e.from[1] == '.f.g' and\n"
            "e.hosts[1] == 'h.i' and e.mail_from[1] == 'a@j.k' and e.list_id[1] == 'l.m' and\n"
            "e.verdict == nil and #e.dmarc == 0 and e.override == nil and e.text == nil and\n"
            "not l:has('b') and l[3] == nil and l:has('A.example') and not l:has('c.example') and\n"
            "not l:has(nil) and not pcall(function() return e.dkmi end) then\n"
            "return moon.discard {} end end }");
    policy_case_add(
        &c, "list/tenants/lists/fwd.lua",
        "return { 'a.example', { name = 'b', networks = { '::1' }, dkim = 'x.y', arc = { 'a.b',"
        "'b.c' }, from = '.f.g', hosts = 'h.i', mail_from = 'A@j.K', list_id = 'l.m' } }");
    struct moon_verdict v = policy_case_decide(&c);
    if (v.kind != MOON_VERDICT_DISCARD)
        fail_msg("got %s", v.failure ? v.failure : "false");
    policy_case_end(&c);
}

static void list_names_cannot_leave_the_folder(void **state)
{
    (void)state; /* cmocka's, not used */
    expect_failure("moon.list '../x'", "a list is named by");
    expect_failure("moon.list ''", "a list is named by");
    expect_failure("moon.list 'a/b'", "a list is named by");
    expect_failure("moon.list 'Upper'", "a list is named by");
    expect_failure("moon.list 'none'", "there is no file tenants/lists/none.lua");
}

static void survives_the_failure_of_every_allocation(void **state)
{
    static const struct moon_limits limits = {1000000, 8 << 20, 20000};
    bool done = false;
    (void)state; /* cmocka's, not used */
    for (size_t n = 1; n < 90 && !done; n++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        struct moon_error error = {""};
        struct moon_list *list = NULL;
        moon_arena_fail_at(arena, n);
        enum moon_status status = moon_list_parse(
            arena, &limits,
            MOON_SPAN("return { 'a.example', { name = 'b', networks = { '::1' }, from = { 'c.d' },"
                      "recipients = { 'x@y.z' }, hosts = 'h.i', mail_from = 'a@j.k', list_id = "
                      "'.l.m', expires = '2030-01-01', note = 'n' } }"),
            "fwd", "lists/fwd.lua", &list, &error);
        done = status == MOON_OK;
        if (done) {
            assert_int_equal(list->count, 2);
            assert_true(n > 10);
        } else if (status != MOON_ECONF) { /* a domain that gets no memory looks like none */
            assert_int_equal(status, MOON_ENOMEM);
            assert_null(list);
        }
        moon_arena_destroy(&arena);
    }
    assert_true(done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_condition_of_an_entry_must_hold),
        cmocka_unit_test(a_mistake_says_what_to_write_instead),
        cmocka_unit_test(a_wrong_list_is_refused_with_its_line),
        cmocka_unit_test(lists_are_read_like_arrays),
        cmocka_unit_test(list_names_cannot_leave_the_folder),
        cmocka_unit_test(survives_the_failure_of_every_allocation),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
