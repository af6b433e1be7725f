/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/cmd/policytest.c, and through it of lua/tests.c, lua/rules.c and engine/trial:
 * `moonscan test` on policies whose tests pass, fail, are misspelt, or mean harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/status.h"
#include "engine/cmd/cmd.h"
#include "tests/support/cmd_case.h"

static int test_of(const char *what, const char *option)
{
    const char *const words[] = {"test", what, option, NULL};
    return moon_cmd_run(moon_cmd_test, words);
}

static int test_policy(const char *text)
{
    char path[128];
    moon_cmd_put("one/p.lua", text);
    (void)snprintf(path, sizeof path, "%s/one/p.lua", moon_cmd_folder);
    return test_of(path, NULL);
}

/* A policy that accepts everything, with these tests. */
static int test_tests(const char *tests)
{
    static char text[8192];
    (void)snprintf(text, sizeof text,
                   "local moon = require 'moonscan'\n"
                   "local policy = { message = function(m) return moon.accept {} end }\n"
                   "%s\n"
                   "return policy\n",
                   tests);
    return test_policy(text);
}

static void the_output_is_the_golden_one(void **state)
{
    (void)state; /* cmocka's, not used */
    char *want = moon_cmd_read("tests/policy/tap.golden");
    assert_int_equal(test_of("tests/policy/tap", NULL), MOON_EXIT_NO);
    assert_string_equal(moon_cmd_printed, want);
    assert_int_equal(test_of("tests/policy/tap", NULL), MOON_EXIT_NO);
    assert_string_equal(moon_cmd_printed, want); /* whenever it runs */
    free(want);
}

static void one_file_of_a_configuration_is_tried_in_it(void **state)
{
    (void)state;
    assert_int_equal(test_of("tests/policy/tap/site.lua", NULL), MOON_EXIT_OK);
    moon_cmd_wants("1..2\n");
    assert_int_equal(test_of("tests/policy/tap/tenants/acme/policy.lua", NULL), MOON_EXIT_NO);
    moon_cmd_wants("1..6\n");
    moon_cmd_wants("ok 3 - tests/policy/tap/tenants/acme/policy.lua: our own name from outside\n");
}

static void a_rule_without_a_test_fails_when_that_is_asked(void **state)
{
    (void)state;
    assert_int_equal(test_of("tests/policy/tap/site.lua", "--all-rules"), MOON_EXIT_NO);
    moon_cmd_wants("not ok 3 - tests/policy/tap/site.lua:11: a test decides here\n");
    assert_int_equal(test_tests("policy.tests = { { expect = { verdict = 'accept' } } }"),
                     MOON_EXIT_OK);
    moon_cmd_wants("# rules: 1 of 1 decided by tests\n");
}

static void a_folder_is_every_policy_in_it(void **state)
{
    char path[128];
    (void)state;
    moon_cmd_put("many/a.lua", "return { message = function(m) end,\n"
                               "  tests = { { expect = { layer = 'built-in', verdict = 'accept' } "
                               "} } }");
    moon_cmd_put("many/b.lua", "return { message = function(m) end }");
    moon_cmd_put("many/notes.txt", "no policy");
    (void)snprintf(path, sizeof path, "%s/many", moon_cmd_folder);
    assert_int_equal(test_of(path, NULL), MOON_EXIT_OK);
    moon_cmd_wants("/many/a.lua: test 1\n1..1\n");
}

/* While tests are read as well as while they run. */
static void a_policy_with_tests_may_use_profiles(void **state)
{
    (void)state;
    assert_int_equal(
        test_policy(
            "local moon = require 'moonscan'\n"
            "local microsoft = moon.profile 'microsoft'\n"
            "local policy = {}\n"
            "function policy.message(m)\n"
            "  local unmet = microsoft:check(m, { bulk = true })\n"
            "  if unmet then return moon.reject { esc = unmet.esc, text = unmet.text } end\n"
            "  return moon.accept { reason = tostring(m.sender.provider) }\n"
            "end\n"
            "policy.tests = function()\n"
            "  local zone = [[ bank.example. TXT \"v=spf1 ip4:192.0.2.7 -all\"\n"
            "    _dmarc.bank.example. TXT \"v=DMARC1; p=none\" ]]\n"
            "  return {\n"
            "    { zone = zone, message = { from = 'a@bank.example' }, ip = '192.0.2.7',\n"
            "      expect = { verdict = 'reject', esc = '5.7.515', text = 'DKIM' } },\n"
            "    { zone = zone, message = { from = 'a@bank.example', sign = {} },\n"
            "      ip = '192.0.2.7', hostname = 'x.google.com',\n"
            "      expect = { verdict = 'accept', reason = 'google' } } }\n"
            "end\n"
            "return policy\n"),
        MOON_EXIT_OK);
    moon_cmd_wants("1..2\n");
}

/* What a test says of its message is what the engine sees. */
static void the_message_is_as_the_test_says(void **state)
{
    static const char policy[] =
        "local moon = require 'moonscan'\n"
        "local policy = {}\n"
        "function policy.message(m)\n"
        "  local sig = m.dkim[1]\n"
        "  return moon.accept { reason = table.concat({\n"
        "    m.session.ip, m.session.helo, m.session.hostname or '-', m.session.iprev,\n"
        "    m.session.tls or '-', m.session.tls_version or '-', m.session.protocol,\n"
        "    m.session.authenticated_id or '-', m.envelope.mail_from,\n"
        "    table.concat(m.recipients, '+'), m.header('Subject') or '-',\n"
        "    #m.headers('X-A') .. ' X-A', tostring(m.from.ours), m.from.domain or '-',\n"
        "    sig and sig.result .. sig.bits .. sig.algorithm .. (sig.expires or '') or '-',\n"
        "    m.arc.result .. m.arc.instances }, ' ') }\n"
        "end\n"
        "policy.tests = function() return {\n"
        "  { name = 'nothing said', expect = { verdict = 'accept', reason = '192.0.2.1 "
        "client.example.net - none - - esmtp - author@example.com someone@example.org Test 0 X-A "
        "false example.com - none0' } },\n"
        "  { name = 'much said', ip = '2001:db8::1', helo = 'h.example', hostname = 'n.example',\n"
        "    tls = true, authenticated = 'ann', mail_from = '', rcpt = { 'x@a.example', "
        "'y@b.example' },\n"
        "    message = { from = 'Ann <ann@a.example>', subject = 'S', headers = { 'X-A: 1', "
        "'X-A: 2' },\n"
        "      sign = { { algorithm = 'ed25519-sha256', expires = '2027-01-01', selector = 'x' } "
        "},\n"
        "      changed = { subject = '[l] S', headers = { 'X-A: 3' } },\n"
        "      seal = { { domain = 'l.example' }, { domain = 'k.example', algorithm = "
        "'ed25519-sha256' } } },\n"
        "    expect = { verdict = 'accept', reason = '2001:db8::1 h.example n.example pass "
        "TLS_AES_256_GCM_SHA384 TLS1.3 esmtpsa ann  x@a.example+y@b.example [l] S 3 X-A true "
        "a.example fail256ed25519-sha2561798761600 pass2' } },\n"
        "  { name = 'broken seal', message = { seal = { domain = 'l.example', broken = true } },\n"
        "    expect = { verdict = 'accept', arc = 'fail' } },\n"
        "  { name = 'wrong cv', message = { seal = { { domain = 'l.example', cv = 'pass' } } },\n"
        "    expect = { verdict = 'accept', arc = 'fail' } },\n"
        "  { name = 'no key', message = { sign = { publish = false } },\n"
        "    expect = { verdict = 'accept', dkim = 'permerror' } },\n"
        "  { name = 'expired', now = '2026-06-01', message = { sign = { expires = "
        "'2026-05-30T23:59:59Z' } },\n"
        "    expect = { verdict = 'accept', dkim = 'permerror' } },\n"
        "  { name = 'no From', message = { from = false },\n"
        "    expect = { verdict = 'accept', reason = 'Test 0 X-A false - ' } },\n"
        "  { name = 'DNS trouble', zone = '_dmarc.example.com. TXT TIMEOUT',\n"
        "    expect = { verdict = 'accept', dmarc = 'temperror' } },\n"
        "} end\n"
        "return policy\n";
    (void)state;
    if (test_policy(policy) != MOON_EXIT_OK)
        fail_msg("got:\n%s", moon_cmd_printed);
    moon_cmd_wants("1..8\n");
}

static void what_is_counted_is_remembered_from_earlier(void **state)
{
    (void)state;
    if (test_tests("policy.message = function(m)\n"
                   "  local n = moon.count { key = 'k', window = '3h' }\n"
                   "  local first = moon.first_seen { key = 'k', keep = '2d' }\n"
                   "  return moon.accept { reason = tostring(n) .. ' ' .. tostring(first) }\n"
                   "end\n"
                   "policy.tests = {\n"
                   "  { expect = { verdict = 'accept', reason = '1 0' } },\n"
                   "  { earlier = '1d', expect = { verdict = 'accept', reason = '1 86400' } },\n"
                   "  { earlier = { '5h', '60m', '30s' },\n"
                   "    expect = { verdict = 'accept', reason = '3 18000' } },\n"
                   "  { expect = { verdict = 'accept', reason = '1 0' } },\n"
                   "  { store = false, expect = { verdict = 'accept', reason = 'nil nil' } } }") !=
        MOON_EXIT_OK)
        fail_msg("got:\n%s", moon_cmd_printed);
    assert_int_equal(test_tests("policy.tests = { { earlier = { '1 day' }, expect = { verdict = "
                                "'accept' } } }"),
                     MOON_EXIT_NO);
    moon_cmd_wants("p.lua:3: earlier: '1 day' is no time like \\\"5h\\\"");
}

static void mistakes_name_line_and_cure(void **state)
{
    static const struct {
        const char *tests, *want;
    } table[] = {
        {"policy.tests = 5", "p.lua:3: tests must be a list of tables, or a function"},
        {"policy.tests = { name = 'x' }", "p.lua:3: tests must be a list: tests = { { name ="},
        {"policy.tests = { 5 }", "p.lua:3: a test must be a table with named keys, not a number"},
        {"policy.tests = { {} }", "p.lua:3: a test says what it expects"},
        {"policy.tests = { { name = 'x', [1] = 2, expect = {} } }",
         "p.lua:3: the test has named keys only"},
        {"policy.tests = {\n { name = 'x',\n  expect = { verdikt = 'accept' } } }",
         "p.lua:5: expect has no key 'verdikt'; did you mean 'verdict'?"},
        {"policy.tests = {\n { name = 'x',\n  message = { sign = { { domian = 'a' } } } } }",
         "p.lua:5: sign has no key 'domian'; did you mean 'domain'?"},
        {"policy.tests = { { name = 'x', rcpt = 5 } }", "rcpt must be a list of texts"},
        {"policy.tests = { { name = 'x', rcpt = { 5 } } }", "rcpt must be a text, not a number"},
        {"policy.tests = { { name = 'x', now = 'soon' } }", "now must be like \\\"2026-01-31\\\""},
        {"policy.tests = { { name = 'x', now = '2026-02-30' } }", "now must be like"},
        {"policy.tests = { { name = 'x', now = -1 } }", "now must be a time"},
        {"policy.tests = { { name = 'x', tls = {} } }", "tls must be a text, not a table"},
        {"policy.tests = { { name = 'x', zone = 'a\\0b' } }", "zone has a byte 0 in it"},
        {"policy.tests = { { message = { sign = 'a.example' } } }", "sign must be a list like"},
        {"policy.tests = { { message = { sign = { broken = 1 } } } }",
         "broken must be true or false"},
        {"policy.tests = { { message = 5 } }", "message must be a table, or the name of a file"},
        {"policy.tests = { { message = 'x.eml', expect = { verdict = 'accept' } } }",
         "there is no file 'x.eml': files of tests stand in the folder fixtures/"},
        {"policy.tests = { { message = '../../../etc/passwd', expect = { verdict = 'accept' } } }",
         "there is no file"},
        {"policy.tests = { { zone = 'a.zone', expect = { verdict = 'accept' } } }",
         "there is no file 'a.zone'"},
        {"policy.tests = { { zone = 'a b', expect = { verdict = 'accept' } } }", "zone:1: "},
        {"policy.tests = { { ip = '1.2.3', expect = { verdict = 'accept' } } }",
         "ip: '1.2.3' is no IPv4 or IPv6 address"},
        {"policy.tests = { { rcpt = 'me', expect = { verdict = 'accept' } } }",
         "rcpt: 'me' is no address"},
        {"policy.tests = { { mail_from = false, expect = { verdict = 'accept' } } }",
         "mail_from must be a text, not a boolean; \\\"\\\" is the null sender"},
        {"policy.tests = { { expect = { dmarc = 'none' } } }",
         "verdict, action or failure must be there, like expect = { verdict = \\\"reject\\\" }; "
         "all of "
         "its keys: verdict, action, esc, override, layer, text,"},
        {"policy.tests = { { tenant = 'q', expect = { verdict = 'accept' } } }",
         "there is no tenant 'q'"},
        {"policy.tests = { { message = { headers = { 'X' } }, expect = { verdict = 'accept' } } }",
         "headers: 'X' is no field like"},
        {"policy.tests = { { message = { headers = { 'X: a\\n\\nb' } }, expect = { verdict = "
         "'accept' } } }",
         "is no field like"},
        {"policy.tests = { { message = { sign = { algorithm = 'rsa' } }, expect = { verdict = "
         "'accept' } } }",
         "algorithm 'rsa' cannot be signed with"},
        {"policy.tests = { { message = { seal = {} }, expect = { verdict = 'accept' } } }",
         "seal: who sealed?"},
        {"policy.tests = { { message = { from = false, sign = {} }, expect = { verdict = 'accept' "
         "} } }",
         "sign: whose signature?"},
        {"policy.tests = { { expect = { verdict = 'acept' } } }",
         "verdict can never be 'acept'; did you mean 'accept'?"},
        {"policy.tests = { { expect = { failure = 'x', override = 'local' } } }",
         "override can never be 'local'; did you mean 'local_policy'?"},
        {"policy.tests = { { expect = { failure = 'x' } } }", "want: \"x\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(test_tests(table[i].tests), MOON_EXIT_NO);
        if (!strstr(moon_cmd_printed, table[i].want))
            fail_msg("%s\ngot:\n%s\nwant: %s", table[i].tests, moon_cmd_printed, table[i].want);
    }
}

/* Each ends within its limits, with a message; the other tests of the run are told all the same. */
static void tests_that_mean_harm_are_bounded(void **state)
{
    static const struct {
        const char *tests, *want;
    } table[] = {
        {"policy.tests = function() while true do end end",
         "p.lua:3: instruction limit of 10000000 reached"},
        {"while true do end", "p.lua:3: instruction limit of 10000000 reached"},
        {"policy.tests = function() return 1 + policy.tests() end",
         "memory limit of 8388608 bytes reached"},
        {"policy.tests = {} for i = 1, 2001 do policy.tests[i] = { expect = {} } end",
         "p.lua:3: 2001 tests are more than the 2000 that one policy may bring"},
        {"local t = {} for i = 1, 100 do t[i] = string.rep('x', 100000) end",
         "memory limit of 8388608 bytes reached"},
        {"local z = 'a' for i = 1, 20 do z = z .. z end\n"
         "policy.tests = {} for i = 1, 100 do policy.tests[i] = { message = { body = z },\n"
         "  expect = { verdict = 'accept' } } end",
         "the tests of this policy need too much memory"},
        {"local z = {} for i = 1, 30000 do z[i] = 'n' .. i .. '.example. A 192.0.2.1' end\n"
         "policy.tests = { { zone = table.concat(z, '\\n'), expect = { verdict = 'accept' } } }",
         "zone:"},
        {"local r = {} for i = 1, 201 do r[i] = 'a@a.example' end\n"
         "policy.tests = { { rcpt = r, expect = { verdict = 'accept' } } }",
         "rcpt has more than 200 items"},
        {"policy.tests = setmetatable({}, { __index = function() while true do end end })",
         "1..0 # SKIP"},
        {"policy.message = function(m) while true do end end\n"
         "policy.tests = { { expect = { verdict = 'accept' } } }",
         "p.lua:3: instruction limit of 10000000 reached"},
        {"policy.tests = { { name = 'a\\nok 99 - forged\\n  ...', expect = { verdict = 'reject' } "
         "} }",
         "not ok 1 - "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        (void)test_tests(table[i].tests); /* what it says counts */
        if (!strstr(moon_cmd_printed, table[i].want))
            fail_msg("%s\ngot:\n%s\nwant: %s", table[i].tests, moon_cmd_printed, table[i].want);
        assert_null(strstr(moon_cmd_printed, "\nok 99"));
    }
}

/* false is "none", and so is an empty list of fields. */
static void false_expects_that_there_is_none(void **state)
{
    static const char policy[] =
        "policy.message = function(m)\n"
        "  if m.from.domain == 'plain.example' then return moon.accept {} end\n"
        "  return moon.quarantine { esc = '2.7.1', tag = 'T', headers = { 'X-A: 1' } } end\n";
    static const struct {
        const char *from, *expect, *differs; /* NULL: the test passes */
    } table[] = {
        {"plain", "verdict = 'accept', esc = false, tag = false, headers = false", NULL},
        {"plain", "verdict = 'accept', headers = {}", NULL},
        {"full", "verdict = 'quarantine', tag = 'T', headers = { 'X-A: 1' }", NULL},
        {"full", "verdict = 'quarantine', tag = false", "what: tag"},
        {"full", "verdict = 'quarantine', esc = false", "what: esc"},
        {"full", "verdict = 'quarantine', headers = false", "what: headers"},
        {"full", "verdict = 'quarantine', headers = {}", "what: headers"},
        {"full", "verdict = 'quarantine', headers = true", "headers must be a list of texts"},
        {"full", "verdict = 'quarantine', text = false", "text must be a text, not a boolean"},
    };
    char tests[1024];
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        (void)snprintf(
            tests, sizeof tests,
            "%spolicy.tests = { { message = { from = 'a@%s.example' }, expect = { %s } } }", policy,
            table[i].from, table[i].expect);
        if (test_tests(tests) != (table[i].differs ? MOON_EXIT_NO : MOON_EXIT_OK))
            fail_msg("%s\ngot:\n%s", table[i].expect, moon_cmd_printed);
        moon_cmd_wants(table[i].differs ? table[i].differs : "\nok 1 - ");
    }
}

static void the_source_is_looked_at_first_as_publishing_does(void **state)
{
    char path[128];
    (void)state;
    assert_int_equal(test_tests("policy.message = function(m)\n"
                                "  if m.spf == 'fail' then return moon.reject {} end\n"
                                "  return moon.accept {} end\n"
                                "policy.tests = { { expect = { verdict = 'accept' } } }"),
                     MOON_EXIT_NO);
    moon_cmd_wants("p.lua: the source has no mistake");
    moon_cmd_wants("mistake: \"p.lua:4: ");
    moon_cmd_wants("\nok 2 - ");
    moon_cmd_wants("1..2\n");
    /* of a folder each policy, tests or none */
    moon_cmd_put("etc/moonscan.lua", "return {}");
    moon_cmd_put("etc/tenants/acme.lua",
                 "return { message = function(m)\n  if m.spf == 'fail' then return end\nend }\n");
    (void)snprintf(path, sizeof path, "%s/etc", moon_cmd_folder);
    assert_int_equal(test_of(path, NULL), MOON_EXIT_NO);
    moon_cmd_wants("tenants/acme.lua: the source has no mistake");
    moon_cmd_wants("tenants/acme.lua:2: ");
}

static void a_tenant_that_is_misspelt_is_told_the_nearest(void **state)
{
    char path[128];
    (void)state;
    moon_cmd_put("etc/moonscan.lua", "return {}");
    moon_cmd_put("etc/tenants.lua", "return { beta = { policy = 'p' }, acme = { policy = 'p' } }");
    moon_cmd_put("etc/policies/p.lua",
                 "return { message = function(m) end, tests = { { tenant = 'betta',\n"
                 "  expect = { verdict = 'accept' } } } }\n");
    (void)snprintf(path, sizeof path, "%s/etc", moon_cmd_folder);
    assert_int_equal(test_of(path, NULL), MOON_EXIT_NO);
    moon_cmd_wants("there is no tenant 'betta'; did you mean 'beta'?");
}

static void a_policy_that_fails_fails_its_test_unless_that_is_expected(void **state)
{
    (void)state;
    assert_int_equal(test_tests("policy.message = function(m) return m[\"noth\" .. \"ing\"] end\n"
                                "policy.tests = { { expect = { verdict = 'defer' } },\n"
                                " { expect = { verdict = 'defer', failure = \"no field "
                                "'nothing'\" } } }"),
                     MOON_EXIT_NO);
    moon_cmd_wants("not ok 1 - ");
    moon_cmd_wants("what: failure");
    moon_cmd_wants("\nok 2 - ");
}

/* The Lua block behind `title` of the page, to be freed. */
static char *block_of(const char *page, const char *title)
{
    const char *at = strstr(page, title);
    at = at ? strstr(at, "```lua\n") : NULL;
    const char *end = at ? strstr(at, "\n```\n") : NULL;
    assert_non_null(end);
    return strndup(at + 7, (size_t)(end - at) - 6);
}

static void the_example_of_the_page_passes_its_tests(void **state)
{
    char text[8192];
    (void)state;
    char *page = moon_cmd_read("docs/policy-api.md");
    char *policy = block_of(page, "# Policies in Lua"), *tests = block_of(page, "## Tests");
    char *list = block_of(page, "## Lists"), *end = strstr(policy, "return policy");
    assert_non_null(end);
    *end = '\0';
    (void)snprintf(text, sizeof text, "%s%sreturn policy\n", policy, tests);
    moon_cmd_put("one/lists/forwarders.lua", list);
    if (test_policy(text) != MOON_EXIT_OK)
        fail_msg("got:\n%s", moon_cmd_printed);
    moon_cmd_wants("1..3\n");
    free(list);
    free(tests);
    free(policy);
    free(page);
}

static void wrong_usage_is_told(void **state)
{
    (void)state;
    assert_int_equal(test_of(NULL, NULL), MOON_EXIT_USAGE);
    assert_int_equal(test_of("--nonsense", NULL), MOON_EXIT_USAGE);
    assert_int_equal(test_of("--help", NULL), MOON_EXIT_OK);
    moon_cmd_wants("Usage: moonscan test");
    assert_int_equal(test_of("/nowhere/at/all", NULL), MOON_EXIT_NO);
    moon_cmd_wants("No such file");
    moon_cmd_put("etc/moonscan.lua", "return { polcy = 'strict' }");
    char path[128];
    (void)snprintf(path, sizeof path, "%s/etc", moon_cmd_folder);
    assert_int_equal(test_of(path, NULL), MOON_EXIT_NO);
    moon_cmd_wants("did you mean 'policy'?");
    moon_cmd_wants("1 mistake; no test was run");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, moon_cmd_begin, moon_cmd_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_output_is_the_golden_one),
        CASE(one_file_of_a_configuration_is_tried_in_it),
        CASE(a_rule_without_a_test_fails_when_that_is_asked),
        CASE(a_folder_is_every_policy_in_it),
        CASE(a_policy_with_tests_may_use_profiles),
        CASE(the_message_is_as_the_test_says),
        CASE(what_is_counted_is_remembered_from_earlier),
        CASE(mistakes_name_line_and_cure),
        CASE(tests_that_mean_harm_are_bounded),
        CASE(false_expects_that_there_is_none),
        CASE(the_source_is_looked_at_first_as_publishing_does),
        CASE(a_tenant_that_is_misspelt_is_told_the_nearest),
        CASE(a_policy_that_fails_fails_its_test_unless_that_is_expected),
        CASE(the_example_of_the_page_passes_its_tests),
        CASE(wrong_usage_is_told),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
