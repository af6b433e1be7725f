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

static char folder[64], etc[128], var[128], printed[65536];

static int make_folder(void **state)
{
    (void)state; /* cmocka's, not used */
    (void)snprintf(folder, sizeof folder, "/tmp/moon-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(etc, sizeof etc, "%s/etc", folder);
    (void)snprintf(var, sizeof var, "%s/var", folder);
    return mkdir(etc, 0755);
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state; /* cmocka's, not used */
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* Writes etc/path; its folders are made. */
static void put(const char *path, const char *text)
{
    char whole[300];
    (void)snprintf(whole, sizeof whole, "%s/%s", etc, path);
    for (char *c = whole + strlen(etc) + 1; *c; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        (void)mkdir(whole, 0755); /* may be there */
        *c = '/';
    }
    FILE *file = fopen(whole, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* Runs a subcommand; what it prints is in `printed`. */
static int run(int (*command)(int, char **), const char *const *words)
{
    char path[200], *argv[12] = {NULL};
    int argc = 0;
    for (; words[argc]; argc++)
        argv[argc] = strdup(words[argc]);
    (void)snprintf(path, sizeof path, "%s/printed", folder);
    (void)fflush(stdout);
    (void)fflush(stderr);
    int out = dup(1), err = dup(2);
    FILE *file = fopen(path, "wb+");
    assert_non_null(file);
    assert_true(dup2(fileno(file), 1) == 1 && dup2(fileno(file), 2) == 2);
    int code = command(argc, argv);
    (void)fflush(stdout);
    (void)fflush(stderr);
    assert_true(dup2(out, 1) == 1 && dup2(err, 2) == 2);
    (void)close(out);
    (void)close(err);
    rewind(file);
    printed[fread(printed, 1, sizeof printed - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return code;
}

static int publish(const char *more)
{
    const char *const words[] = {"publish", "--config-dir", etc, "--state-dir", var, more, NULL};
    return run(moon_cmd_publish, words);
}

static void expect_printed(const char *want)
{
    if (!strstr(printed, want))
        fail_msg("got:\n%s\nwant: %s", printed, want);
}

/* The value of a record of the snapshot in force; NULL when it is missing. */
static const char *in_force(const char *key)
{
    static char value[4096];
    char path[300];
    struct moon_snapshot *snapshot;
    struct moon_error error = {""};
    struct moon_span found;
    (void)snprintf(path, sizeof path, "%s/current", var);
    assert_int_equal(moon_snapshot_open(path, &snapshot, &error), MOON_OK);
    assert_non_null(snapshot);
    bool there = moon_snapshot_get(snapshot, moon_span_of(key), &found);
    (void)snprintf(value, sizeof value, "%.*s", (int)found.n, found.p ? found.p : "");
    moon_snapshot_close(&snapshot);
    return there ? value : NULL;
}

static void good_files(void)
{
    put("moonscan.lua", "return {\n  policy = 'strict',\n  dns = {\n    timeout_ms = 900,\n"
                        "    servers = { '127.0.0.1:5353', '::1' },\n  },\n"
                        "  sister_hosts = '192.0.2.0/24',\n}\n");
    put("tenants.map", "# who is who\nacme.example: acme\nB\xc3\xbc"
                       "cher.example :  books\n\n"
                       "c.example: plain\n");
    put("site.lua", "return { message = function(m) end }");
    put("tenants/acme.lua", "local moon = require 'moonscan'\n"
                            "local forwarders <const> = moon.list 'forwarders'\n"
                            "return { message = function(m)\n"
                            "  if forwarders:match(m) then return moon.accept {} end end }");
    put("tenants/lists/forwarders.lua", "return { 'fwd.example' }");
    put("tenants/books/policy.lua", "return { message = function(m) end }");
    put("tenants/books/lists/x.lua", "return { { name = 'x', networks = { '192.0.2.1' } } }");
    put("tenants/acme.lua~", "left by an editor");
}

/* The lines of var/tenants behind its comment. */
static void assert_map(const char *want)
{
    char path[160], got[1024];
    (void)snprintf(path, sizeof path, "%s/tenants", var);
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
    assert_int_equal(publish(NULL), 0);
    expect_printed("(before: built-in)");
    expect_printed("settings 4, tenants 3, domains 3, policies 3, lists 2");
    assert_string_equal(in_force("conf/policy"), "strict");
    assert_string_equal(in_force("from/dns.timeout_ms"), "moonscan.lua:4");
    assert_string_equal(in_force("conf/dns.servers"), "127.0.0.1:5353\n::1");
    assert_string_equal(in_force("conf/sister_hosts"), "192.0.2.0/24");
    assert_string_equal(in_force("domain/xn--bcher-kva.example"), "books");
    assert_string_equal(in_force("tenant/acme"), "tenants/acme.lua");
    assert_string_equal(in_force("tenant/books"), "tenants/books/policy.lua");
    assert_string_equal(in_force("tenant/plain"), "");
    assert_string_equal(in_force("site"), "site.lua");
    assert_string_equal(in_force("list/tenants/lists/forwarders.lua"), "return { 'fwd.example' }");
    assert_null(in_force("policy/tenants/acme.lua~"));
    assert_int_equal(publish(NULL), 0);
    expect_printed("nothing has changed");
}

/* Exim's router reads this one: it must follow every switch, back as well. */
static void the_map_for_exim_is_the_one_in_force(void **state)
{
    (void)state; /* cmocka's, not used */
    good_files();
    assert_int_equal(publish(NULL), 0);
    assert_map("acme.example: acme\nc.example: plain\nxn--bcher-kva.example: books\n");
    put("tenants.map", "acme.example: acme\nb.example: books\n");
    assert_map("acme.example: acme\nc.example: plain\nxn--bcher-kva.example: books\n");
    assert_int_equal(publish(NULL), 0);
    assert_map("acme.example: acme\nb.example: books\n");
    assert_int_equal(publish("--rollback"), 0);
    assert_map("acme.example: acme\nc.example: plain\nxn--bcher-kva.example: books\n");
}

/* Whoever may write there decides about mail. */
static void a_state_folder_that_others_may_write_is_refused(void **state)
{
    (void)state; /* cmocka's, not used */
    good_files();
    assert_int_equal(chmod(var, 0777), 0);
    assert_int_equal(publish(NULL), 3);
    expect_printed("may be written by others: chmod 0755");
    assert_int_equal(chmod(var, 0755), 0);
    assert_int_equal(publish(NULL), 0);
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
    assert_int_equal(publish(NULL), 0);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char before[65], after[65], path[300];
        assert_true(moon_store_current(var, before));
        good_files();
        put(table[i].path, table[i].text);
        int code = publish(NULL);
        if (code != 1 || !strstr(printed, table[i].want) ||
            !strstr(printed, "Nothing was published"))
            fail_msg("%s: got %d\n%s\nwant: %s", table[i].text, code, printed, table[i].want);
        assert_true(moon_store_current(var, after));
        assert_string_equal(before, after);
        (void)snprintf(path, sizeof path, "%s/%s", etc, table[i].path);
        assert_int_equal(unlink(path), 0);
    }
    good_files();
    assert_int_equal(publish(NULL), 0);
}

static void a_policy_that_would_be_lost_is_a_mistake(void **state)
{
    char path[300];
    (void)state; /* cmocka's, not used */
    good_files();
    put("tenants/gone/polciy.lua", "return {}");
    assert_int_equal(publish(NULL), 1);
    expect_printed("/tenants/gone/policy.lua: there is no such file");
    (void)snprintf(path, sizeof path, "%s/tenants/gone/polciy.lua", etc);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof path, "%s/tenants/gone", etc);
    assert_int_equal(rmdir(path), 0);
    (void)snprintf(path, sizeof path, "%s/tenants/link.lua", etc);
    assert_int_equal(symlink("nowhere", path), 0);
    assert_int_equal(publish(NULL), 1);
    expect_printed("/tenants/link.lua: a link to nothing");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(publish(NULL), 0);
}

static void what_may_not_be_meant_is_noted(void **state)
{
    char path[300];
    (void)state; /* cmocka's, not used */
    good_files();
    assert_int_equal(publish("--check"), 0);
    expect_printed("note: tenant 'plain' has no policy (tenants/plain.lua)");
    assert_null(strstr(printed, "is not read"));
    put("tenant.map", "a.example: acme\n");
    put("tenants.map~", "a.example: acme\n");
    put("tenants.map", "acme.example: acme\na.example: one\nb.example: two\n");
    assert_int_equal(publish("--check"), 0);
    expect_printed("/tenant.map is not read; is tenants.map meant?");
    expect_printed("note: 2 tenants have no policy ('one' is the first)");
    assert_null(strstr(printed, "map~"));
    for (size_t i = 0; i < 2; i++) {
        static const char *const names[] = {"tenant.map", "tenants.map~"};
        (void)snprintf(path, sizeof path, "%s/%s", etc, names[i]);
        assert_int_equal(unlink(path), 0);
    }
}

static void check_changes_nothing(void **state)
{
    char before[65], after[65];
    (void)state; /* cmocka's, not used */
    good_files();
    assert_int_equal(publish(NULL), 0);
    assert_true(moon_store_current(var, before));
    put("moonscan.lua", "return { policy = 'monitor' }");
    assert_int_equal(publish("--check"), 0);
    expect_printed("is in order; nothing was published");
    assert_true(moon_store_current(var, after));
    assert_string_equal(before, after);
    put("moonscan.lua", "return { policy = 'x' }");
    assert_int_equal(publish("--check"), 1);
}

static void publish_numbered(int number)
{
    char text[100];
    (void)snprintf(text, sizeof text, "return { dns = { timeout_ms = %d } }", 1000 + number);
    put("moonscan.lua", text);
    assert_int_equal(publish(NULL), 0);
}

static void rollback_goes_back_step_by_step_past_damaged_ones(void **state)
{
    char path[600], hashes[4][65];
    (void)state;                                        /* cmocka's, not used */
    (void)snprintf(var, sizeof var, "%s/var2", folder); /* without what others published */
    good_files();
    for (int i = 0; i < 4; i++) {
        publish_numbered(i);
        assert_true(moon_store_current(var, hashes[i]));
    }
    assert_int_equal(publish("--rollback"), 0);
    expect_printed("switched from");
    assert_string_equal(in_force("conf/dns.timeout_ms"), "1002");
    (void)snprintf(path, sizeof path, "%.127s/snapshots/%.64s.snapshot", var, hashes[1]);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -1, SEEK_END), 0);
    assert_int_equal(fputc('#', file), '#');
    assert_int_equal(fclose(file), 0);
    /* Writing changed its time: the order of publication is made again. */
    for (int i = 0; i < 2; i++) {
        struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000 + i}};
        (void)snprintf(path, sizeof path, "%.127s/snapshots/%.64s.snapshot", var, hashes[i]);
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    }
    assert_int_equal(publish("--rollback"), 0);
    assert_string_equal(in_force("conf/dns.timeout_ms"), "1000");
}

static void rollback_without_anything_to_go_back_to_says_so(void **state)
{
    char nothing[200];
    (void)state; /* cmocka's, not used */
    (void)snprintf(nothing, sizeof nothing, "%s/nothing", folder);
    const char *const words[] = {"publish", "--rollback", "--state-dir", nothing, NULL};
    assert_int_equal(run(moon_cmd_publish, words), 3);
    expect_printed("nothing is published");
}

static void old_snapshots_are_pruned(void **state)
{
    char path[300];
    unsigned count = 0;
    (void)state; /* cmocka's, not used */
    good_files();
    for (int i = 10; i < 24; i++)
        publish_numbered(i);
    (void)snprintf(path, sizeof path, "%s/snapshots", var);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    assert_int_equal(closedir(dir), 0);
    assert_int_equal(count, MOON_STORE_KEPT_MAX);
    assert_string_equal(in_force("conf/dns.timeout_ms"), "1023");
}

static void config_prints_what_is_in_force_and_where_from(void **state)
{
    char path[300];
    (void)state; /* cmocka's, not used */
    good_files();
    assert_int_equal(publish(NULL), 0);
    (void)snprintf(path, sizeof path, "%s/current", var);
    const char *const table[] = {"config", "--snapshot", path, NULL};
    const char *const json[] = {"config", "--snapshot", path, "--json", NULL};
    const char *const defaults[] = {"config", "--default", NULL};
    assert_int_equal(run(moon_cmd_config, table), 0);
    expect_printed(
        "policy                     strict                               moonscan.lua:2");
    expect_printed("failure                    defer                                default");
    expect_printed("127.0.0.1:5353, ::1");
    assert_int_equal(run(moon_cmd_config, json), 0);
    expect_printed("{\"name\":\"policy\",\"value\":\"strict\",\"from\":\"moonscan.lua:2\"");
    assert_int_equal(run(moon_cmd_config, defaults), 0);
    expect_printed("standard                             The built-in policy");
}

static void help_and_wrong_use(void **state)
{
    static const char *const publish_help[] = {"publish", "--help", NULL};
    static const char *const config_help[] = {"config", "--help", NULL};
    static const char *const wrong[] = {"publish", "--chek-it", NULL};
    static const char *const both[] = {"publish", "--check", "--rollback", NULL};
    static const char *const extra[] = {"config", "policy", NULL};
    (void)state; /* cmocka's, not used */
    assert_int_equal(run(moon_cmd_publish, publish_help), 0);
    expect_printed("--rollback");
    assert_int_equal(run(moon_cmd_config, config_help), 0);
    expect_printed("--default");
    assert_int_equal(run(moon_cmd_publish, wrong), 2);
    assert_int_equal(run(moon_cmd_publish, both), 2);
    assert_int_equal(run(moon_cmd_config, extra), 2);
}

static void a_missing_folder_is_a_mistake(void **state)
{
    static const char *const words[] = {"publish", "--config-dir", "/nonexistent/moonscan",
                                        "--check", NULL};
    (void)state; /* cmocka's, not used */
    assert_int_equal(run(moon_cmd_publish, words), 1);
    expect_printed("/nonexistent/moonscan: there is no such folder");
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
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
