/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/cmd/publish.c, gather.c, trial.c, store.c and config.c, and of lua/config.c
 * through them: in folders of their own, with what is printed caught in a file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/cmd/cmd.h"
#include "engine/cmd/store.h"
#include "lua/config.h"
#include "tests/support/publish_case.h"

static void good_files(void)
{
    publish_case_put("moonscan.lua",
                     "return {\n  policy = 'strict',\n  dns = {\n    timeout_ms = 900,\n"
                     "    servers = { '127.0.0.1:5353', '::1' },\n  },\n"
                     "  sister_hosts = '192.0.2.0/24',\n}\n");
    publish_case_put("tenants.map", "# who is who\nacme.example: acme\nB\xc3\xbc"
                                    "cher.example :  books\n\n"
                                    "c.example: plain\n");
    publish_case_put("site.lua", "return { message = function(m) end }");
    publish_case_put("tenants/acme.lua",
                     "local moon = require 'moonscan'\n"
                     "local forwarders <const> = moon.list 'forwarders'\n"
                     "return { message = function(m)\n"
                     "  if forwarders:match(m) then return moon.accept {} end end }");
    publish_case_put("tenants/lists/forwarders.lua", "return { 'fwd.example' }");
    publish_case_put("tenants/books/policy.lua", "return { message = function(m) end }");
    publish_case_put("tenants/books/lists/x.lua",
                     "return { { name = 'x', networks = { '192.0.2.1' } } }");
    publish_case_put("tenants/acme.lua~", "left by an editor");
}

/* The lines of var/tenants behind its comment. */
static void assert_map(const char *want)
{
    char path[160], got[1024];
    (void)snprintf(path, sizeof path, "%s/tenants", publish_var);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(got, 1, sizeof got - 1, file);
    got[n] = '\0';
    assert_int_equal(fclose(file), 0);
    assert_true(got[0] == '#');
    assert_string_equal(strchr(got, '\n') + 1, want);
}

static void a_good_folder_is_published(void **state)
{
    (void)state; /* cmocka's, not used */
    good_files();
    assert_int_equal(publish_case_publish(NULL), 0);
    moon_cmd_wants("(before: built-in)");
    moon_cmd_wants("settings 4, tenants 3, domains 3, policies 3, lists 2");
    assert_string_equal(publish_case_in_force("conf/policy"), "strict");
    assert_string_equal(publish_case_in_force("from/dns.timeout_ms"), "moonscan.lua:4");
    assert_string_equal(publish_case_in_force("conf/dns.servers"), "127.0.0.1:5353\n::1");
    assert_string_equal(publish_case_in_force("conf/sister_hosts"), "192.0.2.0/24");
    assert_string_equal(publish_case_in_force("domain/xn--bcher-kva.example"), "books");
    assert_string_equal(publish_case_in_force("tenant/acme"), "tenants/acme.lua");
    assert_string_equal(publish_case_in_force("tenant/books"), "tenants/books/policy.lua");
    assert_string_equal(publish_case_in_force("tenant/plain"), "");
    assert_string_equal(publish_case_in_force("site"), "site.lua");
    assert_string_equal(publish_case_in_force("list/tenants/lists/forwarders.lua"),
                        "return { 'fwd.example' }");
    assert_null(publish_case_in_force("policy/tenants/acme.lua~"));
    assert_int_equal(publish_case_publish(NULL), 0);
    moon_cmd_wants("nothing has changed");
}

/* Exim's router reads this one: it must follow every switch, back as well. */
static void the_map_for_exim_is_the_one_in_force(void **state)
{
    (void)state; /* cmocka's, not used */
    good_files();
    assert_int_equal(publish_case_publish(NULL), 0);
    assert_map("acme.example: acme\nc.example: plain\nxn--bcher-kva.example: books\n");
    publish_case_put("tenants.map", "acme.example: acme\nb.example: books\n");
    assert_map("acme.example: acme\nc.example: plain\nxn--bcher-kva.example: books\n");
    assert_int_equal(publish_case_publish(NULL), 0);
    assert_map("acme.example: acme\nb.example: books\n");
    assert_int_equal(publish_case_publish("--rollback"), 0);
    assert_map("acme.example: acme\nc.example: plain\nxn--bcher-kva.example: books\n");
}

/* Whoever may write there decides about mail. */
static void a_state_folder_that_others_may_write_is_refused(void **state)
{
    (void)state; /* cmocka's, not used */
    good_files();
    assert_int_equal(chmod(publish_var, 0777), 0);
    assert_int_equal(publish_case_publish(NULL), 3);
    moon_cmd_wants("may be written by others: chmod 0755");
    assert_int_equal(chmod(publish_var, 0755), 0);
    assert_int_equal(publish_case_publish(NULL), 0);
}

static void a_mistake_keeps_what_is_in_force(void **state)
{
    static const struct {
        const char *path, *text, *want;
    } table[] = {
        {"moonscan.lua", "return {\n polcy = 'strict' }",
         "/moonscan.lua:2: there is no setting 'polcy'; did you mean 'policy'?"},
        {"moonscan.lua", "return { dns = {\n\n timeout_ms = 5 } }",
         "/moonscan.lua:3: dns.timeout_ms: '5' is not a number from 100"},
        {"moonscan.lua", "return {\n dns = { timeout_ms = '900' } }",
         "/moonscan.lua:2: dns.timeout_ms must be a whole number, not a string"},
        {"moonscan.lua", "return {\n dns = { timeout_ms = 1.5 } }", "must be a whole number"},
        {"moonscan.lua", "return {\n policy = true }",
         "/moonscan.lua:2: policy must be a text, not a boolean"},
        {"moonscan.lua", "return { 'strict' }", "settings have names"},
        {"moonscan.lua", "return {\n log = { headers = { 'a', 5 } } }",
         "/moonscan.lua:2: log.headers: item 2 must be a text"},
        {"moonscan.lua", "return {\n log = { headers = { a = 'b' } } }", "must be a list"},
        {"moonscan.lua", "return {\n log = 'x' }", "a table of settings is wanted here"},
        {"moonscan.lua", "return {\n ['log.path'] = '/x', dns = { log = { path = 1 } } }",
         "there is no setting 'dns.log'"},
        {"moonscan.lua", "return {", "/moonscan.lua:1:"},
        {"moonscan.lua", "while true do end",
         "/moonscan.lua:1: instruction limit of 10000000 reached"},
        {"moonscan.lua", "local s = 'x' while true do s = s .. s end", "memory limit of"},
        {"moonscan.lua", "\n{ policy = 'strict' }",
         "/moonscan.lua:2: unexpected symbol near '{'; did you forget return?"},
        {"moonscan.lua", "return 5", "must return a table"},
        {"moonscan.lua", "\033Lua", "bytecode is refused"},
        {"moonscan.lua", "return { policy = os.getenv('HOME') }", "'os' is not available"},
        {"tenants.map", "acme.example acme\n", "/tenants.map:1: a line is like"},
        {"tenants.map", "\n\n-: acme\n", "/tenants.map:3: '-' is no domain"},
        {"tenants.map", "a.example: Acme\n", "/tenants.map:1: 'Acme' cannot be a tenant's name"},
        {"tenants.map", "a.example: default\n", "lists, fixtures and default are taken"},
        {"tenants.map", "a.example: ../x\n", "cannot be a tenant's name"},
        {"tenants.map", "a.example: x\nA.example: y\n",
         "/tenants.map:2: a.example stands in line 1 already; remove one"},
        {"tenants.map", "a.example: x\n b.example: y\n", "/tenants.map:2: a line starts with"},
        {"tenants/acme.lua", "return {\n message = function(m) return m.dmrc end }",
         "/tenants/acme.lua:2: m has no field 'dmrc'; did you mean 'dmarc'?"},
        {"tenants/acme.lua",
         "return { message = function(m)\n if m.dmarc.result == 'fail' then\n"
         " return m.from.adress end end }",
         "/tenants/acme.lua:3: m.from has no field 'adress'; did you mean 'address'?"},
        {"tenants/acme.lua", "return { message = function(m) while true do end end }",
         "/tenants/acme.lua:1: instruction limit of 10000000 reached"},
        {"tenants/acme.lua", "local l = require('moonscan').list 'nothing'",
         "/tenants/acme.lua:1: moon.list \"nothing\": there is no file tenants/lists/nothing.lua"},
        {"tenants/acme.lua", "return", "the file returned nothing"},
        {"tenants/lists/forwarders.lua", "return {\n 'fwd.example',\n { nam = 'x' } }",
         "/tenants/lists/forwarders.lua:3: item 2: there is no field 'nam'; did you mean 'name'?"},
        {"tenants/lists/forwarders.lua", "return {\n { nam = 'x' } }", "\n1 mistake."},
        {"tenants/a\nb\033[2J.lua", "return {}", "/tenants/a?b?[2J.lua: a tenant's name"},
        {"tenants/books.lua", "return { message = function() end }",
         "tenant 'books' has another policy in"},
        {"tenants/Big.lua", "return { message = function() end }",
         "/tenants/Big.lua: a tenant's name"},
    };
    (void)state; /* cmocka's, not used */
    good_files();
    assert_int_equal(publish_case_publish(NULL), 0);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char before[65], after[65], path[300];
        assert_true(moon_store_current(publish_var, before));
        good_files();
        publish_case_put(table[i].path, table[i].text);
        int code = publish_case_publish(NULL);
        if (code != 1 || !strstr(moon_cmd_printed, table[i].want) ||
            !strstr(moon_cmd_printed, "Nothing was published"))
            fail_msg("%s: got %d\n%s\nwant: %s", table[i].text, code, moon_cmd_printed,
                     table[i].want);
        assert_true(moon_store_current(publish_var, after));
        assert_string_equal(before, after);
        (void)snprintf(path, sizeof path, "%s/%s", publish_etc, table[i].path);
        assert_int_equal(unlink(path), 0);
    }
    good_files();
    assert_int_equal(publish_case_publish(NULL), 0);
}

static void a_policy_that_would_be_lost_is_a_mistake(void **state)
{
    char path[300];
    (void)state; /* cmocka's, not used */
    good_files();
    publish_case_put("tenants/gone/polciy.lua", "return {}");
    assert_int_equal(publish_case_publish(NULL), 1);
    moon_cmd_wants("/tenants/gone/policy.lua: there is no such file");
    (void)snprintf(path, sizeof path, "%s/tenants/gone/polciy.lua", publish_etc);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof path, "%s/tenants/gone", publish_etc);
    assert_int_equal(rmdir(path), 0);
    (void)snprintf(path, sizeof path, "%s/tenants/link.lua", publish_etc);
    assert_int_equal(symlink("nowhere", path), 0);
    assert_int_equal(publish_case_publish(NULL), 1);
    moon_cmd_wants("/tenants/link.lua: a link to nothing");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(publish_case_publish(NULL), 0);
}

static void what_may_not_be_meant_is_noted(void **state)
{
    char path[300];
    (void)state; /* cmocka's, not used */
    good_files();
    assert_int_equal(publish_case_publish("--check"), 0);
    moon_cmd_wants("note: tenant 'plain' has no policy (tenants/plain.lua)");
    assert_null(strstr(moon_cmd_printed, "is not read"));
    publish_case_put("tenant.map", "a.example: acme\n");
    publish_case_put("tenants.map~", "a.example: acme\n");
    publish_case_put("tenants.map", "acme.example: acme\na.example: one\nb.example: two\n");
    assert_int_equal(publish_case_publish("--check"), 0);
    moon_cmd_wants("/tenant.map is not read; is tenants.map meant?");
    moon_cmd_wants("note: 2 tenants have no policy ('one' is the first)");
    assert_null(strstr(moon_cmd_printed, "map~"));
    for (size_t i = 0; i < 2; i++) {
        static const char *const names[] = {"tenant.map", "tenants.map~"};
        (void)snprintf(path, sizeof path, "%s/%s", publish_etc, names[i]);
        assert_int_equal(unlink(path), 0);
    }
}

static void check_changes_nothing(void **state)
{
    char before[65], after[65];
    (void)state; /* cmocka's, not used */
    good_files();
    assert_int_equal(publish_case_publish(NULL), 0);
    assert_true(moon_store_current(publish_var, before));
    publish_case_put("moonscan.lua", "return { policy = 'monitor' }");
    assert_int_equal(publish_case_publish("--check"), 0);
    moon_cmd_wants("is in order; nothing was published");
    assert_true(moon_store_current(publish_var, after));
    assert_string_equal(before, after);
    publish_case_put("moonscan.lua", "return { policy = 'x' }");
    assert_int_equal(publish_case_publish("--check"), 1);
}

static void publish_numbered(int number)
{
    char text[100];
    (void)snprintf(text, sizeof text, "return { dns = { timeout_ms = %d } }", 1000 + number);
    publish_case_put("moonscan.lua", text);
    assert_int_equal(publish_case_publish(NULL), 0);
}

static void rollback_goes_back_step_by_step_past_damaged_ones(void **state)
{
    char path[600], hashes[4][65];
    (void)state; /* cmocka's, not used */
    (void)snprintf(publish_var, sizeof publish_var, "%s/var2",
                   moon_cmd_folder); /* without what others published */
    good_files();
    for (int i = 0; i < 4; i++) {
        publish_numbered(i);
        assert_true(moon_store_current(publish_var, hashes[i]));
    }
    assert_int_equal(publish_case_publish("--rollback"), 0);
    moon_cmd_wants("switched from");
    assert_string_equal(publish_case_in_force("conf/dns.timeout_ms"), "1002");
    (void)snprintf(path, sizeof path, "%.127s/snapshots/%.64s.snapshot", publish_var, hashes[1]);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -1, SEEK_END), 0);
    assert_int_equal(fputc('#', file), '#');
    assert_int_equal(fclose(file), 0);
    /* Writing changed its time: the order of publication is made again. */
    for (int i = 0; i < 2; i++) {
        struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000 + i}};
        (void)snprintf(path, sizeof path, "%.127s/snapshots/%.64s.snapshot", publish_var,
                       hashes[i]);
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    }
    assert_int_equal(publish_case_publish("--rollback"), 0);
    assert_string_equal(publish_case_in_force("conf/dns.timeout_ms"), "1000");
}

static void rollback_without_anything_to_go_back_to_says_so(void **state)
{
    char nothing[200];
    (void)state; /* cmocka's, not used */
    (void)snprintf(nothing, sizeof nothing, "%s/nothing", moon_cmd_folder);
    const char *const words[] = {"publish", "--rollback", "--state-dir", nothing, NULL};
    assert_int_equal(moon_cmd_run(moon_cmd_publish, words), 3);
    moon_cmd_wants("nothing is published");
}

static void old_snapshots_are_pruned(void **state)
{
    char path[300];
    unsigned count = 0;
    (void)state; /* cmocka's, not used */
    good_files();
    for (int i = 10; i < 24; i++)
        publish_numbered(i);
    (void)snprintf(path, sizeof path, "%s/snapshots", publish_var);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    assert_int_equal(closedir(dir), 0);
    assert_int_equal(count, MOON_STORE_KEPT_MAX);
    assert_string_equal(publish_case_in_force("conf/dns.timeout_ms"), "1023");
}

static void config_prints_what_is_in_force_and_where_from(void **state)
{
    char path[300];
    (void)state; /* cmocka's, not used */
    good_files();
    assert_int_equal(publish_case_publish(NULL), 0);
    (void)snprintf(path, sizeof path, "%s/current", publish_var);
    const char *const table[] = {"config", "--snapshot", path, NULL};
    const char *const json[] = {"config", "--snapshot", path, "--json", NULL};
    const char *const unnamed[] = {"config", NULL};
    const char *const defaults[] = {"config", "--default", NULL};
    assert_int_equal(setenv("MOONSCAN_SNAPSHOT", path, 1), 0);
    assert_int_equal(moon_cmd_run(moon_cmd_config, unnamed), 0);
    assert_int_equal(unsetenv("MOONSCAN_SNAPSHOT"), 0);
    moon_cmd_wants(path);
    assert_int_equal(moon_cmd_run(moon_cmd_config, table), 0);
    moon_cmd_wants(path);
    moon_cmd_wants(
        "policy                     strict                               moonscan.lua:2");
    moon_cmd_wants("failure                    defer                                default");
    moon_cmd_wants("127.0.0.1:5353, ::1");
    assert_int_equal(moon_cmd_run(moon_cmd_config, json), 0);
    moon_cmd_wants("{\"name\":\"policy\",\"value\":\"strict\",\"from\":\"moonscan.lua:2\"");
    assert_int_equal(moon_cmd_run(moon_cmd_config, defaults), 0);
    moon_cmd_wants("standard                             The built-in policy");
}

static void help_and_wrong_use(void **state)
{
    static const char *const publish_help[] = {"publish", "--help", NULL};
    static const char *const config_help[] = {"config", "--help", NULL};
    static const char *const wrong[] = {"publish", "--chek-it", NULL};
    static const char *const both[] = {"publish", "--check", "--rollback", NULL};
    static const char *const extra[] = {"config", "policy", NULL};
    (void)state; /* cmocka's, not used */
    assert_int_equal(moon_cmd_run(moon_cmd_publish, publish_help), 0);
    moon_cmd_wants("--rollback");
    assert_int_equal(moon_cmd_run(moon_cmd_config, config_help), 0);
    moon_cmd_wants("--default");
    assert_int_equal(moon_cmd_run(moon_cmd_publish, wrong), 2);
    assert_int_equal(moon_cmd_run(moon_cmd_publish, both), 2);
    assert_int_equal(moon_cmd_run(moon_cmd_config, extra), 2);
}

static void a_missing_folder_is_a_mistake(void **state)
{
    static const char *const words[] = {"publish", "--config-dir", "/nonexistent/moonscan",
                                        "--check", NULL};
    (void)state; /* cmocka's, not used */
    assert_int_equal(moon_cmd_run(moon_cmd_publish, words), 1);
    moon_cmd_wants("/nonexistent/moonscan: there is no such folder");
}

static void survives_the_failure_of_every_allocation(void **state)
{
    bool done = false;
    (void)state; /* cmocka's, not used */
    for (size_t n = 1; n < 60 && !done; n++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        struct moon_config config;
        moon_arena_fail_at(arena, n);
        done = moon_config_parse(arena,
                                 MOON_SPAN("return { policy = 'strict', polcy = 1, "
                                           "sister_hosts = { '192.0.2.1', '::1' } }"),
                                 "moonscan.lua", &config) == MOON_OK;
        if (done) {
            assert_int_equal(config.value_count, 2);
            assert_int_equal(config.error_count, 1);
            assert_true(n > 5);
        }
        moon_arena_destroy(&arena);
    }
    assert_true(done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_folder_is_published),
        cmocka_unit_test(the_map_for_exim_is_the_one_in_force),
        cmocka_unit_test(a_state_folder_that_others_may_write_is_refused),
        cmocka_unit_test(a_mistake_keeps_what_is_in_force),
        cmocka_unit_test(a_policy_that_would_be_lost_is_a_mistake),
        cmocka_unit_test(what_may_not_be_meant_is_noted),
        cmocka_unit_test(check_changes_nothing),
        cmocka_unit_test(rollback_goes_back_step_by_step_past_damaged_ones),
        cmocka_unit_test(rollback_without_anything_to_go_back_to_says_so),
        cmocka_unit_test(old_snapshots_are_pruned),
        cmocka_unit_test(config_prints_what_is_in_force_and_where_from),
        cmocka_unit_test(help_and_wrong_use),
        cmocka_unit_test(a_missing_folder_is_a_mistake),
        cmocka_unit_test(survives_the_failure_of_every_allocation),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, publish_case_begin, moon_cmd_end);
}
