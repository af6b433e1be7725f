/* SPDX-License-Identifier: MIT
 *
 * rehearsal: `moonscan publish` runs the tests that policies bring, and publishes nothing while one
 * fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/status.h"
#include "engine/cmd/cmd.h"
#include "tests/support/publish_case.h"

#define POLICY(verdict, tests)                                                                     \
    "local moon = require 'moonscan'\n"                                                            \
    "local policy = {}\n"                                                                          \
    "function policy.message(m) return moon." verdict " {} end\n"                                  \
    "policy.tests = " tests "\n"                                                                   \
    "return policy\n"

static void a_failing_test_keeps_what_is_in_force(void **state)
{
    (void)state; /* cmocka's, not used */
    publish_case_put("tenants/acme.lua",
                     POLICY("accept", "{ { name = 'taken', expect = { verdict = 'accept' } } }"));
    assert_int_equal(publish_case_publish(NULL), MOON_EXIT_OK);
    moon_cmd_wants("policies 1, lists 0, tests 1\n");
    assert_non_null(strstr(publish_case_in_force("policy/tenants/acme.lua"), "moon.accept"));

    publish_case_put("tenants/acme.lua",
                     POLICY("reject", "{ { name = 'taken', expect = { verdict = 'accept' } } }"));
    assert_int_equal(publish_case_publish(NULL), MOON_EXIT_NO);
    moon_cmd_wants("/etc/tenants/acme.lua:4: test 'taken' fails: verdict: want accept, got "
                   "reject (rule tenants/acme.lua:3)\n1 mistake. Nothing was published");
    assert_int_equal(publish_case_publish("--check"), MOON_EXIT_NO);
    assert_non_null(strstr(publish_case_in_force("policy/tenants/acme.lua"), "moon.accept"));

    assert_int_equal(publish_case_publish("--skip-tests"), MOON_EXIT_OK);
    moon_cmd_wants("policies 1, lists 0, tests 0\n");
    assert_non_null(strstr(publish_case_in_force("policy/tenants/acme.lua"), "moon.reject"));
}

static void each_kind_of_mistake_is_told(void **state)
{
    static const struct {
        const char *tests, *want;
    } table[] = {
        {"{ { nam = 'x', expect = { verdict = 'accept' } } }",
         "/etc/site.lua:4: the test has no key 'nam'; did you mean 'name'?"},
        {"{ { message = 'no.eml', expect = { verdict = 'accept' } } }",
         "/etc/site.lua:4: there is no file 'no.eml'"},
        {"7", "/etc/site.lua:4: tests must be a list of tables"},
        {"function() while true do end end",
         "/etc/site.lua:4: instruction limit of 10000000 reached"},
        {"{ { name = 'two\\nlines', expect = { verdict = 'reject' } } }",
         "/etc/site.lua:4: test 'two lines' fails: verdict: want reject, got accept"},
    };
    char text[1024];
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        (void)snprintf(text, sizeof text, POLICY("accept", "%s"), table[i].tests);
        publish_case_put("site.lua", text);
        assert_int_equal(publish_case_publish(NULL), MOON_EXIT_NO);
        moon_cmd_wants(table[i].want);
        moon_cmd_wants("1 mistake. Nothing was published; in force stays what is built in.");
    }
}

static void a_test_reads_files_beside_its_policy_and_no_others(void **state)
{
    char link[300];
    (void)state;
    publish_case_put("tenants/acme/policy.lua",
                     POLICY("accept { reason = m.header('Subject') } or",
                            "{ { message = 'fixtures/a.eml', zone = 'fixtures/a.zone',\n"
                            "  expect = { verdict = 'accept', reason = 'from a file', dmarc = "
                            "'fail' } } }"));
    publish_case_put("tenants/acme/fixtures/a.eml",
                     "From: a@bank.example\nSubject: from a file\n\nx\n");
    publish_case_put("tenants/acme/fixtures/a.zone",
                     "_dmarc.bank.example. TXT \"v=DMARC1; p=reject\"\n");
    assert_int_equal(publish_case_publish(NULL), MOON_EXIT_OK);
    moon_cmd_wants("tests 1\n");
    assert_null(publish_case_in_force("list/tenants/acme/fixtures/a.eml"));

    /* A tenant's link is not followed for whoever publishes (follow.h), a large file not read. */
    (void)snprintf(link, sizeof link, "%s/tenants/acme/fixtures", publish_etc);
    assert_int_equal(chmod(link, 0777), 0);
    (void)snprintf(link, sizeof link, "%s/tenants/acme/fixtures/b.eml", publish_etc);
    assert_int_equal(symlink("/etc/hostname", link), 0);
    assert_int_equal(publish_case_publish(NULL), MOON_EXIT_NO);
    moon_cmd_wants("fixtures/b.eml: ");
    assert_int_equal(unlink(link), 0);
    FILE *file = fopen(link, "wb");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), 1024 * 1024 + 1), 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(publish_case_publish(NULL), MOON_EXIT_NO);
    moon_cmd_wants("a file of at most 1048576 bytes is wanted");
}

static void tests_see_every_layer_and_the_tenants_own_mail(void **state)
{
    (void)state;
    publish_case_put("tenants.map", "acme.example: acme\nother.example: other\n");
    publish_case_put("site.lua",
                     POLICY("defer",
                            "{ { name = 'a tenant without a policy', rcpt = 'x@other.example',\n"
                            "    expect = { verdict = 'defer', layer = 'site' } },\n"
                            "  { name = 'one with', rcpt = 'x@acme.example',\n"
                            "    expect = { verdict = 'reject', layer = 'tenant' } },\n"
                            "  { name = 'both: the message is for later',\n"
                            "    rcpt = { 'x@acme.example', 'x@other.example' },\n"
                            "    expect = { action = 'defer' } } }"));
    publish_case_put("tenants/acme.lua",
                     POLICY("reject { reason = m.tenant.name .. tostring(m.from.ours) } or",
                            "{ { message = { from = 'a@acme.example' },\n"
                            "    expect = { verdict = 'reject', reason = 'acmetrue' } } }"));
    if (publish_case_publish(NULL) != MOON_EXIT_OK)
        fail_msg("got:\n%s", moon_cmd_printed);
    moon_cmd_wants("tests 4\n");
}

/* Whatever tenants.lua says of canaries and dry runs. */
static void each_version_has_its_own_tests(void **state)
{
    (void)state;
    publish_case_put("tenants.lua", "return { acme = { canary = 100, mode = 'dry_run' } }");
    publish_case_put("tenants/acme.lua",
                     POLICY("accept", "{ { expect = { verdict = 'accept' } } }"));
    publish_case_put(
        "next/tenants/acme.lua",
        POLICY("reject", "{ { expect = { verdict = 'reject', action = 'reject' } } }"));
    if (publish_case_publish(NULL) != MOON_EXIT_OK)
        fail_msg("got:\n%s", moon_cmd_printed);
    moon_cmd_wants("tests 2\n");
    publish_case_put("next/tenants/acme.lua",
                     POLICY("reject", "{ { expect = { verdict = 'accept' } } }"));
    assert_int_equal(publish_case_publish(NULL), MOON_EXIT_NO);
    moon_cmd_wants("/etc/next/tenants/acme.lua:4: test 'test 1' fails");
    publish_case_put("next/tenants/acme.lua", POLICY("reject { reason = m.nothing } or",
                                                     "{ { expect = { verdict = 'accept' } } }"));
    assert_int_equal(publish_case_publish("--check"), MOON_EXIT_NO);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, publish_case_begin, moon_cmd_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_failing_test_keeps_what_is_in_force),
        CASE(each_kind_of_mistake_is_told),
        CASE(a_test_reads_files_beside_its_policy_and_no_others),
        CASE(tests_see_every_layer_and_the_tenants_own_mail),
        CASE(each_version_has_its_own_tests),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
