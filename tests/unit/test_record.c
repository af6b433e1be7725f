/* SPDX-License-Identifier: MIT
 *
 * record: lines of the decision log, their bound, and the file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/report/record.h"
#include "engine/report/results.h"

static char directory[] = "/tmp/moon-record-XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    (void)snprintf(path, sizeof path, "%s/log", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path) != 0 || rmdir(directory) != 0 ? -1 : 0;
}

static void put(const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void assert_contents(const char *want)
{
    char got[256];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(got, 1, sizeof got - 1, file);
    got[n] = '\0';
    assert_int_equal(fclose(file), 0);
    assert_string_equal(got, want);
}

static void appends_a_line(void **state)
{
    struct moon_error error;

    (void)state;
    assert_int_equal(moon_record_append(path, "{\"a\":1}", &error), MOON_OK);
    assert_int_equal(moon_record_append(path, "{\"a\":2}", &error), MOON_OK);
    assert_contents("{\"a\":1}\n{\"a\":2}\n");
}

static void trying_writes_nothing_and_tells_what_is_wrong(void **state)
{
    struct moon_error error = {""};

    (void)state;
    put("{\"a\":1}\n");
    assert_int_equal(moon_record_try(path, &error), MOON_OK);
    assert_contents("{\"a\":1}\n");
    assert_int_equal(moon_record_try("/proc/nonexistent/x", &error), MOON_EIO);
    assert_string_equal(error.text, "decision log /proc/nonexistent/x: No such file or directory");
}

static void ends_a_line_that_was_torn(void **state)
{
    struct moon_error error;

    (void)state;
    put("{\"a\":1}\n{\"a\":");
    assert_int_equal(moon_record_append(path, "{\"a\":3}", &error), MOON_OK);
    assert_contents("{\"a\":1}\n{\"a\":{\"a\":3}\n{\"a\":3}\n");
    put("{");
    assert_int_equal(moon_record_append(path, "{}", &error), MOON_OK);
    assert_contents("{{}\n{}\n");
}

/* A line that somebody is just writing is not torn. Longer than a page: the kernel shows the file
 * growing. */
static void lines_of_several_processes_are_whole_and_once(void **state)
{
    enum { PROCESSES = 6, LINES = 200, BYTES = 12000 };
    static char line[BYTES + 1], got[BYTES + 2];
    struct moon_error error;
    int status, failed = 0;

    (void)state;
    put("");
    for (int i = 0; i < PROCESSES; i++) {
        memset(line, 'a' + i, BYTES);
        pid_t pid = fork();
        assert_true(pid >= 0);
        for (int n = 0; pid == 0 && n < LINES; n++)
            if (moon_record_append(path, line, &error) != MOON_OK)
                _exit(1);
        if (pid == 0)
            _exit(0);
    }
    while (wait(&status) > 0)
        failed += status != 0;
    assert_int_equal(failed, 0);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    for (int n = 0; n < PROCESSES * LINES; n++) {
        assert_non_null(fgets(got, sizeof got, file));
        assert_int_equal(strspn(got, (char[]){got[0], '\0'}), BYTES);
        assert_int_equal(got[BYTES], '\n');
    }
    assert_int_equal(fgetc(file), EOF);
    assert_int_equal(fclose(file), 0);
}

static void says_why_a_record_could_not_be_written(void **state)
{
    struct moon_error error = {""};

    (void)state;
    assert_int_equal(moon_record_append("/dev/full", "{}", &error), MOON_EIO);
    assert_non_null(strstr(error.text, "/dev/full"));
    assert_int_equal(moon_record_append("/nonexistent/log", "{}", &error), MOON_EIO);
    assert_non_null(strstr(error.text, "/nonexistent/log"));
}

static struct moon_record_applied applied = {.action = MOON_ACTION_ACCEPT, .added = 1};

static char *line_of(struct moon_arena *arena, size_t signatures, const char *reason)
{
    struct moon_conf conf;
    struct moon_message msg = {.id = "id", .mail_from = "", .session = {.helo = ""}};
    struct moon_outcome outcome = {.action = MOON_ACTION_ACCEPT};
    struct moon_dns_backend *backend;
    struct moon_error error;

    assert_int_equal(moon_conf_default(arena, &conf), MOON_OK);
    outcome.results.dkim.sigs = moon_arena_array(arena, signatures, sizeof(struct moon_dkim_sig));
    outcome.results.dkim.count = signatures;
    for (size_t i = 0; i < signatures; i++)
        outcome.results.dkim.sigs[i].reason = reason;
    assert_int_equal(moon_dns_backend_zone(MOON_SPAN(""), "empty", &backend, &error), MOON_OK);
    outcome.dns = moon_dns_begin(arena, backend, 1000, 0);
    char *line = moon_record_line(arena, &conf, &msg, &outcome, &applied);
    moon_outcome_end(&outcome);
    moon_dns_backend_destroy(&backend);
    return line;
}

static void a_plain_record_has_its_members(void **state)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    const char *line = line_of(arena, 0, NULL);

    (void)state;
    static const char *const want[] = {"\"v\":1",
                                       "\"id\":\"id\"",
                                       "\"spf\":{",
                                       "\"dmarc\":{",
                                       "\"decision\":{\"action\":\"accept\"",
                                       "\"applied\":{\"action\":\"accept\",\"added\":1"};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        if (!strstr(line, want[i]))
            fail_msg("got %s, want a member %s", line, want[i]);
    assert_null(strchr(line, '\n'));
    moon_arena_destroy(&arena);
}

static void what_was_not_applied_is_told_apart(void **state)
{
    static const struct {
        struct moon_record_applied applied;
        const char *want;
    } table[] = {{{.refused = true}, "\"applied\":{\"action\":\"refused\"}"},
                 {{.action = 0}, "\"applied\":{\"action\":\"unknown\"}"}};
    struct moon_record_applied before = applied;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
        applied = table[i].applied;
        const char *line = line_of(arena, 0, NULL);
        if (!strstr(line, table[i].want))
            fail_msg("got %s, want %s", line, table[i].want);
        moon_arena_destroy(&arena);
    }
    applied = before;
}

static void a_record_never_exceeds_its_bound(void **state)
{
    static char reason[2000];
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);

    (void)state;
    memset(reason, '\x01', sizeof reason - 1); /* the worst: each byte becomes six */
    const char *line = line_of(arena, MOON_SIG_MAX, reason);
    assert_true(strlen(line) < MOON_RECORD_BYTES_MAX);
    assert_non_null(strstr(line, "\"shortened\""));
    assert_non_null(strstr(line, "\"applied\""));
    moon_arena_destroy(&arena);
}

/* Everything of it as large as the parser lets it be. */
static struct moon_arc hostile_chain(struct moon_arena *arena)
{
    static char value[MOON_ARC_VALUE_MAX + 1];
    struct moon_arc arc = {.result = MOON_RESULT_PASS, .reason = "", .verified = true};

    memset(value, 'v', MOON_ARC_VALUE_MAX);
    struct moon_arc_property *properties =
        moon_arena_array(arena, MOON_ARC_PROPERTIES_MAX, sizeof *properties);
    struct moon_arc_result *results =
        moon_arena_array(arena, MOON_ARC_RESULTS_MAX, sizeof *results);
    arc.sets = moon_arena_array(arena, MOON_ARC_INSTANCES_MAX, sizeof *arc.sets);
    arc.instances = (unsigned)(arc.set_count = MOON_ARC_INSTANCES_MAX);
    for (size_t i = 0; i < MOON_ARC_PROPERTIES_MAX; i++)
        properties[i] = (struct moon_arc_property){"header.from", value};
    for (size_t i = 0; i < MOON_ARC_RESULTS_MAX; i++)
        results[i] =
            (struct moon_arc_result){"dmarc", "pass", value, properties, MOON_ARC_PROPERTIES_MAX};
    for (unsigned i = 0; i < MOON_ARC_INSTANCES_MAX; i++)
        arc.sets[i] = (struct moon_arc_set){.instance = i + 1,
                                            .domain = "sealer.example",
                                            .cv = value,
                                            .authserv_id = value,
                                            .algorithm = value,
                                            .seal_reason = "",
                                            .signature = {.reason = ""},
                                            .results = results,
                                            .result_count = MOON_ARC_RESULTS_MAX};
    return arc;
}

static void only_check_tells_the_terms_of_spf(void **state)
{
    static const struct {
        bool everything;
        const char *want;
    } table[] = {{false, "{\"result\":\"fail\",\"matched\":\"-all\"}"},
                 {true, "{\"result\":\"fail\",\"matched\":\"-all\",\"terms\":[{\"depth\":0,"
                        "\"domain\":\"d.example\",\"term\":\"ip4:10.0.0.1\",\"more\":2,"
                        "\"outcome\":\"no match\",\"lookups\":0},{\"depth\":0,\"domain\":"
                        "\"d.example\",\"term\":\"-all\",\"outcome\":\"match\",\"result\":"
                        "\"fail\",\"lookups\":0}]}"}};
    const struct moon_spf_step steps[] = {
        {.domain = "d.example", .term = MOON_SPAN("ip4:10.0.0.1"), .more = 2},
        {.domain = "d.example",
         .term = MOON_SPAN("-all"),
         .outcome = MOON_SPF_OUTCOME_MATCH,
         .result = MOON_RESULT_FAIL}};
    const struct moon_results results = {
        .spf = {.result = MOON_RESULT_FAIL, .matched = "-all", .steps = steps, .step_count = 2}};
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_json json;

    (void)state; /* the table carries all */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        moon_json_begin(&json, arena);
        moon_json_object(&json, NULL);
        moon_json_results(&json, &results, table[i].everything);
        moon_json_close(&json, '}');
        const char *spf = strstr(moon_json_end(&json), "\"spf\":");
        assert_non_null(spf);
        assert_memory_equal(spf + 6, table[i].want, strlen(table[i].want));
    }
    moon_arena_destroy(&arena);
}

static void a_chain_leaves_room_for_the_rest_of_the_record(void **state)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_results results = {.arc = hostile_chain(arena)};
    struct moon_json json;

    (void)state;
    moon_json_begin(&json, arena);
    moon_json_object(&json, NULL);
    moon_json_results(&json, &results, false);
    moon_json_close(&json, '}');
    const char *text = moon_json_end(&json);
    assert_true(strlen(text) < MOON_RECORD_BYTES_MAX / 2);
    assert_null(strstr(text, "\"instance\":45,")); /* the newest five are there */
    assert_non_null(strstr(text, "\"instance\":46,"));
    assert_non_null(strstr(text, "\"instance\":50,"));
    assert_non_null(strstr(text, "\"properties\":{\"header.from\":\"vvv"));
    moon_arena_destroy(&arena);
}

static void tells_list_and_forwarder_where_the_message_names_them(void **state)
{
    const struct moon_results none = {.spf = {.reason = ""}};
    const struct moon_results some = {.list = {.id = {.id = "dev.lists.example", .count = 2},
                                               .verified = true,
                                               .verified_by = "dkim",
                                               .verified_domain = "lists.example"},
                                      .forwarding = {.by = {.pattern = "srs",
                                                            .forwarder = "fwd.example",
                                                            .original = "ann@bank.example",
                                                            .original_domain = "bank.example"},
                                                     .verified = true}};
    const char *want = "\"list\":{\"id\":\"dev.lists.example\",\"fields\":2,\"verified\":true,"
                       "\"verified_by\":\"dkim\",\"verified_domain\":\"lists.example\"},"
                       "\"forwarding\":{\"pattern\":\"srs\",\"verified\":true,"
                       "\"forwarder\":\"fwd.example\",\"original\":\"ann@bank.example\"},";
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_json json;

    (void)state;
    for (int i = 0; i < 2; i++) {
        moon_json_begin(&json, arena);
        moon_json_object(&json, NULL);
        moon_json_results(&json, i ? &some : &none, false);
        moon_json_close(&json, '}');
        const char *text = moon_json_end(&json);
        assert_int_equal(strstr(text, "\"list\"") != NULL, i);
        assert_int_equal(strstr(text, "\"forwarding\"") != NULL, i);
        if (i && !strstr(text, want))
            fail_msg("got %s, want %s", text, want);
    }
    moon_arena_destroy(&arena);
}

static void a_verdict_tells_the_entry_it_goes_by_and_what_a_report_says(void **state)
{
    const struct moon_entry_ref via = {"lists/f.lua", 3, "Old server", "dkim=l.example"};
    struct moon_tenant_verdict tenant = {.tenant = "acme",
                                         .verdict = {.kind = MOON_VERDICT_ACCEPT,
                                                     .override = "trusted_forwarder",
                                                     .comment = "Old server",
                                                     .via = &via}};
    const struct moon_outcome outcome = {
        .tenants = &tenant,
        .tenant_count = 1,
        .action = MOON_ACTION_ACCEPT,
        .results.dmarc = {.result = MOON_RESULT_FAIL, .policy = MOON_DMARC_POLICY_REJECT}};
    const char *want =
        "\"verdicts\":[{\"tenant\":\"acme\",\"recipients\":0,\"verdict\":\"accept\","
        "\"override\":\"trusted_forwarder\",\"comment\":\"Old server\",\"via\":{\"list\":"
        "\"lists/f.lua\",\"line\":3,\"entry\":\"Old server\",\"by\":\"dkim=l.example\"},"
        "\"policy_evaluated\":{\"disposition\":\"none\",\"type\":\"trusted_forwarder\"}}]";
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_message msg = {.id = "id", .mail_from = ""};
    struct moon_json json;

    (void)state;
    moon_json_begin(&json, arena);
    moon_json_object(&json, NULL);
    moon_json_outcome(&json, &msg, &outcome);
    moon_json_close(&json, '}');
    const char *text = moon_json_end(&json);
    if (!strstr(text, want))
        fail_msg("got %s, want %s", text, want);
    moon_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_a_line),
        cmocka_unit_test(trying_writes_nothing_and_tells_what_is_wrong),
        cmocka_unit_test(ends_a_line_that_was_torn),
        cmocka_unit_test(lines_of_several_processes_are_whole_and_once),
        cmocka_unit_test(says_why_a_record_could_not_be_written),
        cmocka_unit_test(a_plain_record_has_its_members),
        cmocka_unit_test(what_was_not_applied_is_told_apart),
        cmocka_unit_test(a_record_never_exceeds_its_bound),
        cmocka_unit_test(a_chain_leaves_room_for_the_rest_of_the_record),
        cmocka_unit_test(only_check_tells_the_terms_of_spf),
        cmocka_unit_test(tells_list_and_forwarder_where_the_message_names_them),
        cmocka_unit_test(a_verdict_tells_the_entry_it_goes_by_and_what_a_report_says),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
