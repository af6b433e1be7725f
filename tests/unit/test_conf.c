/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/base/conf.c and nearest.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/conf.h"
#include "engine/base/nearest.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state; /* cmocka's, not used */
    (void)snprintf(folder, sizeof folder, "/tmp/moon-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state; /* cmocka's, not used */
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static struct moon_snapshot *snapshot_of(const char *const pairs[][2], size_t count)
{
    struct moon_snapshot_writer *writer = moon_snapshot_writer_create();
    struct moon_snapshot *snapshot = NULL;
    struct moon_error error = {""};
    char hash[65], path[256];
    for (size_t i = 0; i < count; i++)
        assert_int_equal(moon_snapshot_writer_add(writer, moon_span_of(pairs[i][0]),
                                                  moon_span_of(pairs[i][1]), &error),
                         MOON_OK);
    assert_int_equal(moon_snapshot_writer_save(writer, folder, hash, &error), MOON_OK);
    moon_snapshot_writer_destroy(&writer);
    (void)snprintf(path, sizeof path, "%s/%s.snapshot", folder, hash);
    assert_int_equal(moon_snapshot_open(path, &snapshot, &error), MOON_OK);
    assert_non_null(snapshot);
    return snapshot;
}

static void every_default_is_valid(void **state)
{
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < moon_conf_key_count; i++) {
        struct moon_error error = {""};
        const struct moon_conf_key *key = &moon_conf_keys[i];
        if (*key->fallback &&
            moon_conf_value_check(key, moon_span_of(key->fallback), &error) != MOON_OK)
            fail_msg("default of %s: %s", key->name, error.text);
        assert_true(strlen(key->about) > 10);
    }
}

static void a_store_is_taken_apart(void **state)
{
    static const struct {
        const char *value;
        enum moon_store_kind kind;
        const char *path, *address;
        unsigned port, database;
    } table[] = {
        {"none", MOON_STORE_KIND_NONE, "", "", 0, 0},
        {"sqlite", MOON_STORE_KIND_SQLITE, MOON_STORE_FILE, "", 0, 0},
        {"sqlite:/srv/c.sqlite", MOON_STORE_KIND_SQLITE, "/srv/c.sqlite", "", 0, 0},
        {"redis://192.0.2.1", MOON_STORE_KIND_REDIS, "", "192.0.2.1", 6379, 0},
        {"redis://192.0.2.1:7000/3", MOON_STORE_KIND_REDIS, "", "192.0.2.1", 7000, 3},
        {"redis://192.0.2.1/", MOON_STORE_KIND_REDIS, "", "192.0.2.1", 6379, 0},
        {"redis://2001:db8::1/9999", MOON_STORE_KIND_REDIS, "", "2001:db8::1", 6379, 9999},
        {"redis://[2001:db8::1]:7000", MOON_STORE_KIND_REDIS, "", "2001:db8::1", 7000, 0},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct moon_conf_store store;
        if (!moon_conf_store_parse(moon_span_of(table[i].value), &store))
            fail_msg("%s: refused", table[i].value);
        if (store.kind != table[i].kind || !moon_span_is(store.path, table[i].path) ||
            !moon_span_is(store.address, table[i].address) || store.port != table[i].port ||
            store.database != table[i].database)
            fail_msg("%s: got %d '%.*s' '%.*s' %u %u", table[i].value, (int)store.kind,
                     (int)store.path.n, store.path.p, (int)store.address.n, store.address.p,
                     store.port, store.database);
    }
}

static void defaults_are_safe(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_conf conf;
    (void)state; /* cmocka's, not used */
    assert_int_equal(moon_conf_default(arena, &conf), MOON_OK);
    assert_string_equal(conf.snapshot_hash, "built-in");
    assert_string_equal(conf.policy, "standard");
    assert_null(conf.authserv_id);
    assert_int_equal(conf.quarantine, MOON_QUARANTINE_NONE);
    assert_int_equal(conf.failure, MOON_FAILURE_DEFER);
    assert_int_equal(conf.dns_ms, 10000);
    assert_int_equal(conf.policy_instructions, 10000000);
    assert_int_equal(conf.dns_server_count, 0);
    moon_arena_destroy(&arena);
}

static void reads_every_kind_of_value(void **state)
{
    static const char *const pairs[][2] = {
        {"conf/policy", "monitor"},
        {"conf/quarantine", "freeze"},
        {"conf/sister_hosts", "192.0.2.0/24\n2001:db8::1"},
        {"conf/dns.servers", "127.0.0.1:5353\n[::1]:53\n::1"},
        {"conf/dns.timeout_ms", "900"},
        {"conf/dmarc.discovery", "psl"},
        {"conf/dmarc.compare", "yes"},
        {"conf/log.headers", "Subject\nX-Tag"},
    };
    struct moon_snapshot *snapshot = snapshot_of(pairs, sizeof pairs / sizeof pairs[0]);
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_error error = {""};
    struct moon_conf conf;
    (void)state; /* cmocka's, not used */
    assert_int_equal(moon_conf_load(arena, snapshot, &conf, &error), MOON_OK);
    assert_int_equal(conf.failure, MOON_FAILURE_ACCEPT); /* because of monitor */
    assert_int_equal(conf.quarantine, MOON_QUARANTINE_FREEZE);
    assert_int_equal(conf.sister_host_count, 2);
    assert_int_equal(conf.sister_hosts[0].bits, 24);
    assert_int_equal(conf.dns_server_count, 3);
    assert_string_equal(conf.dns_servers[1], "[::1]:53");
    assert_int_equal(conf.dns_ms, 900);
    assert_true(conf.dmarc_psl);
    assert_true(conf.dmarc_compare);
    assert_string_equal(conf.log_headers[1], "X-Tag");
    assert_int_equal(strlen(conf.snapshot_hash), 12);
    moon_snapshot_close(&snapshot);
    moon_arena_destroy(&arena);
}

static void names_the_key_that_cannot_be_read(void **state)
{
    static const struct {
        const char *key, *value, *want;
    } table[] = {
        {"policy", "stern", "not one of standard|strict|monitor"},
        {"policy", "", "not one of"},
        {"dns.timeout_ms", "99", "from 100 to 120000"},
        {"dns.timeout_ms", "-5", "from 100"},
        {"dns.timeout_ms", "1e3", "from 100"},
        {"dns.servers", "resolver.example", "not an address"},
        {"dns.servers", "127.0.0.1:0", "not an address"},
        {"dns.servers", "127.0.0.1:65536", "not an address"},
        {"sister_hosts", "192.0.2.0/33", "not an address or a network"},
        {"log.path", "decisions.jsonl", "starts with /"},
        {"store", "sqlite3", "store: 'sqlite3' is none of sqlite, sqlite:/path"},
        {"store", "sqlite:counters", "is none of"},
        {"store", "sqlite:/", "is none of"},
        {"store", "redis://", "is none of"},
        {"store", "redis://redis.example:6379", "an address, no name"},
        {"store", "redis://192.0.2.1:0", "is none of"},
        {"store", "redis://192.0.2.1:65536", "is none of"},
        {"store", "redis://192.0.2.1/x", "is none of"},
        {"store", "redis://192.0.2.1/10000", "is none of"},
        {"store", "redis://[192.0.2.1]:6379", "is none of"},
        {"store", "rediss://192.0.2.1", "is none of"},
        {"store_timeout_ms", "4", "is not a number from 5 to 1000"},
        {"store_password_file", "redis.password", "store_password_file: a path that starts with /"},
        {"log.headers", "Sub ject", "name of a header field"},
        {"authserv_id", "mx; spf=pass", "host name"},
        {"authserv_id", "a\nb", "one line"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct moon_error error = {""};
        const struct moon_conf_key *key = moon_conf_key_find(moon_span_of(table[i].key));
        assert_non_null(key);
        enum moon_status got = moon_conf_value_check(key, moon_span_of(table[i].value), &error);
        if (got != MOON_ECONF || !strstr(error.text, table[i].want) ||
            strncmp(error.text, table[i].key, strlen(table[i].key)))
            fail_msg("%s: got '%s', want '%s'", table[i].value, error.text, table[i].want);
    }
}

static void a_bad_record_of_the_snapshot_is_refused(void **state)
{
    static const char *const pairs[][2] = {{"conf/dns.timeout_ms", "soon"}};
    struct moon_snapshot *snapshot = snapshot_of(pairs, 1);
    struct moon_arena *arena = moon_arena_create(1 << 20);
    struct moon_error error = {""};
    struct moon_conf conf;
    (void)state; /* cmocka's, not used */
    assert_int_equal(moon_conf_load(arena, snapshot, &conf, &error), MOON_ECONF);
    assert_non_null(strstr(error.text, "dns.timeout_ms"));
    moon_snapshot_close(&snapshot);
    moon_arena_destroy(&arena);
}

static void survives_the_failure_of_every_allocation(void **state)
{
    static const char *const pairs[][2] = {{"conf/sister_hosts", "192.0.2.1\n192.0.2.2"},
                                           {"conf/log.headers", "Subject"}};
    struct moon_snapshot *snapshot = snapshot_of(pairs, 2);
    bool done = false;
    (void)state; /* cmocka's, not used */
    for (size_t n = 1; n < 100 && !done; n++) {
        struct moon_arena *arena = moon_arena_create(1 << 20);
        struct moon_conf conf;
        moon_arena_fail_at(arena, n);
        done = moon_conf_load(arena, snapshot, &conf, NULL) == MOON_OK;
        assert_true(done || n < 50);
        moon_arena_destroy(&arena);
    }
    assert_true(done);
    moon_snapshot_close(&snapshot);
}

static void knows_the_right_name_of_a_misspelt_key(void **state)
{
    static char longest[300];
    static const char *const table[][2] = {
        {"polcy", "policy"},
        {"qarantine", "quarantine"},
        {"dns.timout_ms", "dns.timeout_ms"},
        {"dns.timeout", "dns.timeout_ms"},
        {"Policy", "policy"},
        {"zzz", NULL},
        {longest, NULL},
    };
    (void)state; /* cmocka's, not used */
    memset(longest, 'x', sizeof longest - 1);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *got = moon_conf_key_nearest(moon_span_of(table[i][0]));
        if (table[i][1] ? !got || strcmp(got, table[i][1]) != 0 : got != NULL)
            fail_msg("%s: got %s, want %s", table[i][0], got ? got : "none",
                     table[i][1] ? table[i][1] : "none");
    }
    assert_int_equal(moon_nearest_distance(MOON_SPAN("reslut"), MOON_SPAN("result")), 1);
    assert_int_equal(moon_nearest_distance(MOON_SPAN(""), MOON_SPAN("abc")), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_is_valid),
        cmocka_unit_test(a_store_is_taken_apart),
        cmocka_unit_test(defaults_are_safe),
        cmocka_unit_test(reads_every_kind_of_value),
        cmocka_unit_test(names_the_key_that_cannot_be_read),
        cmocka_unit_test(a_bad_record_of_the_snapshot_is_refused),
        cmocka_unit_test(survives_the_failure_of_every_allocation),
        cmocka_unit_test(knows_the_right_name_of_a_misspelt_key),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
