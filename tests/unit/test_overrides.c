/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/cmd/overrides.c and entries.c: what the command prints of a log and the lists in
 * force.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/cmd/cmd.h"
#include "tests/support/publish_case.h"

static const char record[] =
    "{\"time\":\"2026-11-%02uT12:00:00Z\",\"verdicts\":[{\"tenant\":\"acme\",\"override\":"
    "\"trusted_forwarder\",\"via\":{\"list\":\"lists/fwd.lua\",\"line\":9,\"entry\":\"%s\"}}]}\n";

/* A site with a list of two entries, in force. */
static int begin(void **state)
{
    if (publish_case_begin(state) != 0)
        return -1;
    publish_case_put("site.lua", "local l = require 'moonscan'.list 'fwd'\n"
                                 "return { message = function(m) end }\n");
    publish_case_put("lists/fwd.lua", "return {\n'a.example',\n"
                                      "{ name = 'Old server', dkim = 'l.example',\n"
                                      "expires = '2030-01-01' } }\n");
    return publish_case_publish(NULL);
}

/* Runs the command on etc/log. */
static int run(const char *first, const char *second)
{
    char log[200], snapshot[200];
    const char *words[] = {"overrides", "--log", log, "--snapshot", snapshot, first, second, NULL};
    (void)snprintf(log, sizeof log, "%s/log", publish_etc);
    (void)snprintf(snapshot, sizeof snapshot, "%s/current", publish_var);
    return moon_cmd_run(moon_cmd_overrides, words);
}

static void put_log(const char *more)
{
    static char log[4000];
    size_t n = (size_t)snprintf(log, sizeof log, record, 20, "Old server");
    n += (size_t)snprintf(log + n, sizeof log - n, record, 21, "Old server");
    n += (size_t)snprintf(log + n, sizeof log - n, record, 19, "Gone \\u001b[2J");
    (void)snprintf(log + n, sizeof log - n, "%s", more);
    publish_case_put("log", log);
}

static void hits_and_what_was_never_hit_are_printed(void **state)
{
    (void)state; /* cmocka's, not used */
    put_log("torn\n{\"time\":\"2026-11-22T12:00:00Z\",\"verdicts\":[{\"tenant\":\"\",\"override\":"
            "\"local_policy\",\"rule\":\"built-in:standard\"}]}");
    assert_int_equal(run(NULL, NULL), MOON_EXIT_OK);
    moon_cmd_wants(
        "    HITS  LAST                  TENANT            TYPE               ENTRY\n"
        "       2  2026-11-21T12:00:00Z  acme              trusted_forwarder  Old server, "
        "lists/fwd.lua:3, expires 2030-01-01\n"
        "       1  2026-11-22T12:00:00Z  -                 local_policy       by the policy "
        "itself, "
        "built-in:standard\n"
        "       1  2026-11-19T12:00:00Z  acme              trusted_forwarder  Gone ?[2J, no longer "
        "in lists/fwd.lua\n"
        "\n"
        "Never hit in these records:\n"
        "  a.example, lists/fwd.lua:2\n"
        "\n"
        "4 records, 1 line that is no record\n");
}

static void the_day_can_be_given(void **state)
{
    (void)state; /* cmocka's, not used */
    put_log("");
    assert_int_equal(run("--since", "2026-11-21"), MOON_EXIT_OK);
    moon_cmd_wants("       1  2026-11-21T12:00:00Z  acme");
    moon_cmd_wants("\n1 record\n");
    assert_null(strstr(moon_cmd_printed, "Gone"));
}

static void a_script_gets_json(void **state)
{
    (void)state; /* cmocka's, not used */
    put_log("");
    assert_int_equal(run("--json", NULL), MOON_EXIT_OK);
    moon_cmd_wants(
        "{\"overrides\":[{\"hits\":2,\"last\":\"2026-11-21T12:00:00Z\",\"tenant\":\"acme\","
        "\"type\":"
        "\"trusted_forwarder\",\"list\":\"lists/fwd.lua\",\"entry\":\"Old "
        "server\",\"in_force\":true,"
        "\"expires\":\"2030-01-01\"},{\"hits\":1,\"last\":\"2026-11-19T12:00:00Z\",\"tenant\":"
        "\"acme\",\"type\":\"trusted_forwarder\",\"list\":\"lists/fwd.lua\",\"entry\":"
        "\"Gone "
        "\\u001b[2J\",\"in_force\":false}],\"never\":[{\"list\":\"lists/fwd.lua\",\"line\":2,"
        "\"entry\":\"a.example\"}],\"records\":3,\"unreadable\":0,\"others\":0}\n");
}

static void a_line_longer_than_any_record_is_none(void **state)
{
    size_t n = 2 * MOON_RECORD_BYTES_MAX + 100;
    char *log = malloc(n + 400);
    (void)state; /* cmocka's, not used */
    assert_non_null(log);
    memset(log, ' ', n); /* JSON, were it not so long */
    (void)snprintf(log + n, 400, record, 21, "Old server");
    n = strlen(log);
    (void)snprintf(log + n, 400, record, 20, "Old server");
    publish_case_put("log", log);
    free(log);
    assert_int_equal(run(NULL, NULL), MOON_EXIT_OK);
    moon_cmd_wants("       1  2026-11-20T12:00:00Z");
    moon_cmd_wants("\n1 record, 1 line that is no record\n");
}

static void without_a_log_or_with_a_wrong_word_it_says_so(void **state)
{
    const char *const extra[] = {"overrides", "x", NULL}, *const wrong[] = {"overrides", "--x",
                                                                            NULL};
    (void)state; /* cmocka's, not used */
    assert_int_equal(run(NULL, NULL), MOON_EXIT_FAILURE);
    moon_cmd_wants("etc/log: No such file or directory");
    assert_int_equal(run("--since", "yesterday"), MOON_EXIT_USAGE);
    moon_cmd_wants("--since wants a date like 2026-11-01");
    assert_int_equal(run("--since", "2026-13-01"), MOON_EXIT_USAGE);
    assert_int_equal(run("--since", "2026-11-01x"), MOON_EXIT_USAGE);
    assert_int_equal(moon_cmd_run(moon_cmd_overrides, extra), MOON_EXIT_USAGE);
    assert_int_equal(moon_cmd_run(moon_cmd_overrides, wrong), MOON_EXIT_USAGE);
    assert_int_equal(run("--help", NULL), MOON_EXIT_OK);
    moon_cmd_wants("Usage: moonscan overrides [OPTIONS]");
}

static void the_logs_of_exims_and_of_the_services_workers_are_read(void **state)
{
    char text[600], snapshot[200];
    const char *words[] = {"overrides", "--snapshot", snapshot, NULL};
    (void)state; /* cmocka's, not used */
    (void)snprintf(text, sizeof text,
                   "return { log = { path = '%s/log', service_path = '%s/service' } }\n",
                   publish_etc, publish_etc);
    publish_case_put("moonscan.lua", text);
    assert_int_equal(publish_case_publish(NULL), 0);
    (void)snprintf(snapshot, sizeof snapshot, "%s/current", publish_var);
    assert_int_equal(moon_cmd_run(moon_cmd_overrides, words), MOON_EXIT_FAILURE);
    moon_cmd_wants("etc/log: No such file or directory");
    (void)snprintf(text, sizeof text, record, 20, "Old server");
    publish_case_put("service", text);
    assert_int_equal(moon_cmd_run(moon_cmd_overrides, words), MOON_EXIT_OK);
    moon_cmd_wants("\n1 record\n");
    put_log("");
    assert_int_equal(moon_cmd_run(moon_cmd_overrides, words), MOON_EXIT_OK);
    moon_cmd_wants("       3  2026-11-21T12:00:00Z");
    moon_cmd_wants("\n4 records\n");
}

static void without_a_snapshot_there_are_no_lists(void **state)
{
    char log[200];
    const char *words[] = {"overrides", "--log", log, NULL};
    (void)state; /* cmocka's, not used */
    put_log("");
    (void)snprintf(log, sizeof log, "%s/log", publish_etc);
    assert_int_equal(setenv("MOONSCAN_SNAPSHOT", "/nonexistent/x", 1), 0);
    assert_int_equal(moon_cmd_run(moon_cmd_overrides, words), MOON_EXIT_OK);
    assert_int_equal(unsetenv("MOONSCAN_SNAPSHOT"), 0);
    moon_cmd_wants("Old server, no longer in lists/fwd.lua\n");
    moon_cmd_wants("\n\n3 records\n");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, moon_cmd_end)
    const struct CMUnitTest tests[] = {
        CASE(hits_and_what_was_never_hit_are_printed),
        CASE(the_day_can_be_given),
        CASE(a_script_gets_json),
        CASE(a_line_longer_than_any_record_is_none),
        CASE(without_a_log_or_with_a_wrong_word_it_says_so),
        CASE(the_logs_of_exims_and_of_the_services_workers_are_read),
        CASE(without_a_snapshot_there_are_no_lists),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
