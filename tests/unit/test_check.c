/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/cmd/check.c and setup.c: which snapshot decides, for whom, and what the page says
 * of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/status.h"
#include "engine/cmd/cmd.h"
#include "tests/support/publish_case.h"

#define SAYS(what)                                                                                 \
    "return { message = function(m) return require 'moonscan'.quarantine { reason = " what         \
    " } end }\n"

static int begin(void **state)
{
    int failed = publish_case_begin(state);
    if (!failed)
        publish_case_put("m.eml", "Return-Path: <a@b.example>\nFrom: a@b.example\n\nHello\n");
    return failed;
}

/* Runs `command` with --snapshot of this path below the test's folder, and these words. */
static int run(int (*command)(int, char **), const char *snapshot, const char *const *more)
{
    char path[200];
    const char *words[12] = {"x", "--snapshot", path};
    (void)snprintf(path, sizeof path, "%s/%s", moon_cmd_folder, snapshot);
    for (size_t i = 0; more[i]; i++)
        words[3 + i] = more[i];
    return moon_cmd_run(command, words);
}

static int check(const char *snapshot, const char *rcpt)
{
    char mail[200];
    const char *const words[] = {mail,        "--ip",   "192.0.2.1", "--zone",
                                 "/dev/null", "--rcpt", rcpt,        NULL};
    (void)snprintf(mail, sizeof mail, "%s/m.eml", publish_etc);
    return run(moon_cmd_check, snapshot, words);
}

static void a_snapshot_that_was_named_must_be_there(void **state)
{
    char corpus[200];
    const char *const none[] = {NULL}, *const bench[] = {corpus, NULL},
                      *const expire[] = {"expire", "--older-than", "1d", NULL};
    const struct {
        int (*command)(int, char **);
        const char *const *words;
    } table[] = {{moon_cmd_config, none},
                 {moon_cmd_counters, none},
                 {moon_cmd_overrides, none},
                 {moon_cmd_bench, bench},
                 {moon_cmd_quarantine, expire}};
    (void)state; /* cmocka's, not used */
    (void)snprintf(corpus, sizeof corpus, "%s/m.eml", publish_etc);
    assert_int_equal(check("no/such", "x@y.example"), MOON_EXIT_USAGE);
    moon_cmd_wants("no/such: there is no such file; without --snapshot the published one is");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int want = table[i].command == moon_cmd_quarantine ? MOON_EXIT_FAILURE : MOON_EXIT_USAGE;
        assert_int_equal(run(table[i].command, "no/such", table[i].words), want);
        moon_cmd_wants("no/such: there is no such file");
    }
}

static void the_default_path_may_be_missing(void **state)
{
    char mail[200], missing[200];
    const char *const words[] = {"check", mail, "--ip", "192.0.2.1", "--zone", "/dev/null", NULL};
    (void)state; /* cmocka's, not used */
    (void)snprintf(mail, sizeof mail, "%s/m.eml", publish_etc);
    (void)snprintf(missing, sizeof missing, "%s/none", moon_cmd_folder);
    assert_int_equal(setenv("MOONSCAN_SNAPSHOT", missing, 1), 0);
    assert_int_equal(moon_cmd_run(moon_cmd_check, words), MOON_EXIT_OK);
    assert_int_equal(unsetenv("MOONSCAN_SNAPSHOT"), 0);
    moon_cmd_wants("snapshot built-in");
}

static void recipients_of_no_tenant_have_the_settings_for_all_and_not_their_policy(void **state)
{
    (void)state; /* cmocka's, not used */
    publish_case_put("site.lua",
                     SAYS("'site [' .. m.tenant.name .. '] ' .. m.tenant.settings.word"));
    publish_case_put("policies/gold.lua", SAYS("'gold ' .. m.tenant.name"));
    publish_case_put("tenants.map", "y.example: acme\n");
    publish_case_put("tenants.lua",
                     "return { ['*'] = { policy = 'gold', settings = { word = 'w' } } }");
    assert_int_equal(publish_case_publish(NULL), 0);
    assert_null(strstr(moon_cmd_printed, "is for tenants"));
    assert_int_equal(check("var/current", "x@y.example"), 0);
    moon_cmd_wants("gold acme");
    assert_int_equal(check("var/current", "x@other.example"), 0);
    moon_cmd_wants("Verdict   quarantine (no tenant)                 site.lua:1, site [] w\n");
}

static void a_store_that_does_not_answer_is_told_on_the_page(void **state)
{
    (void)state; /* cmocka's, not used */
    publish_case_put("moonscan.lua", "return { store = 'redis://127.0.0.1:9' }");
    publish_case_put("site.lua", "local moon = require 'moonscan'\n"
                                 "return { message = function(m)\n"
                                 "local n = moon.count { key = 'k', window = '1h' }\n"
                                 "local d = moon.first_seen { key = 'd' }\n"
                                 "return moon.quarantine { reason = tostring(n) } end }\n");
    assert_int_equal(publish_case_publish(NULL), 0);
    assert_int_equal(check("var/current", "x@y.example"), 0);
    moon_cmd_wants("          no answer: moon.count \"k\": ");
    moon_cmd_wants(" (and 1 more)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_snapshot_that_was_named_must_be_there, begin,
                                        moon_cmd_end),
        cmocka_unit_test_setup_teardown(the_default_path_may_be_missing, begin, moon_cmd_end),
        cmocka_unit_test_setup_teardown(
            recipients_of_no_tenant_have_the_settings_for_all_and_not_their_policy, begin,
            moon_cmd_end),
        cmocka_unit_test_setup_teardown(a_store_that_does_not_answer_is_told_on_the_page, begin,
                                        moon_cmd_end),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
