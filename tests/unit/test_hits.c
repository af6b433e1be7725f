/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/cmd/hits.c: overrides counted out of lines of the decision log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/cmd/hits.h"

static struct moon_arena *arena;
static struct moon_hits hits;

static void begin(const char *since)
{
    arena = moon_arena_create(MOON_HITS_BYTES_MAX);
    assert_non_null(arena);
    assert_int_equal(moon_hits_begin(arena, since, MOON_HITS_ROWS_MAX, &hits), MOON_OK);
}

static void line(const char *text)
{
    moon_hits_line(&hits, moon_span_of(text));
}

/* All rows: "COUNT tenant|list|entry|type|last:line; ...". */
static const char *rows(void)
{
    static char out[4000];
    size_t n = 0;
    moon_hits_sort(&hits);
    out[0] = '\0';
    for (size_t i = 0; i < hits.row_count && n < sizeof out; i++) {
        const struct moon_hit *row = &hits.rows[i];
        n += (size_t)snprintf(out + n, sizeof out - n, "%llu %s|%s|%s|%s|%s:%u; ",
                              (unsigned long long)row->count, row->tenant, row->list, row->entry,
                              row->type, row->last, row->line);
    }
    return out;
}

static void expect(const char *want)
{
    const char *got = rows();
    if (strcmp(got, want) != 0)
        fail_msg("got %s, want %s", got, want);
    moon_arena_destroy(&arena);
}

#define VIA(list, number, entry)                                                                   \
    "\"via\":{\"list\":\"" list "\",\"line\":" number ",\"entry\":\"" entry "\",\"by\":\"x\"}"
#define RECORD(time, verdicts)                                                                     \
    "{\"v\":1,\"time\":\"" time "\",\"id\":\"x\",\"client\":{\"ip\":\"192.0.2.1\"},\"dkim\":[{}]," \
    "\"verdicts\":[" verdicts "],\"decision\":{\"action\":\"accept\"}}"

static void overrides_are_counted_by_tenant_list_entry_and_type(void **state)
{
    (void)state; /* cmocka's, not used */
    begin(NULL);
    line(RECORD("2026-11-20T10:00:00Z",
                "{\"tenant\":\"acme\",\"override\":\"mailing_list\"," VIA(
                    "l.lua", "4", "dev") "},"
                                         "{\"tenant\":\"beta\",\"verdict\":\"accept\"},"
                                         "{\"tenant\":\"beta\",\"override\":\"mailing_list\"," VIA(
                                             "l.lua", "4", "dev") "}"));
    line(RECORD("2026-11-22T10:00:00Z", "{\"tenant\":\"acme\",\"override\":\"mailing_list\"," VIA(
                                            "l.lua", "5", "dev") "}"));
    line(RECORD("2026-11-21T10:00:00Z", "{\"tenant\":\"acme\",\"override\":\"mailing_list\"," VIA(
                                            "l.lua", "3", "dev") "}"));
    line(RECORD("2026-11-21T10:00:00Z",
                "{\"tenant\":\"acme\",\"override\":\"local_policy\",\"rule\":\"a.lua:3\"}"));
    line("");
    assert_int_equal(hits.records, 4);
    assert_int_equal(hits.unreadable, 0);
    (void)rows();
    assert_non_null(moon_hits_find(&hits, "l.lua", "dev"));
    assert_non_null(moon_hits_find(&hits, "", "a.lua:3"));
    assert_null(moon_hits_find(&hits, "l.lua", "de"));
    assert_null(moon_hits_find(&hits, "dev", "l.lua"));
    expect("3 acme|l.lua|dev|mailing_list|2026-11-22T10:00:00Z:5; "
           "1 acme||a.lua:3|local_policy|2026-11-21T10:00:00Z:0; "
           "1 beta|l.lua|dev|mailing_list|2026-11-20T10:00:00Z:4; ");
}

static void only_what_is_as_new_as_wanted_counts(void **state)
{
    static const char *const times[] = {"2026-10-31T23:59:59Z", "2026-11-01T00:00:00Z",
                                        "2026-11-02T00:00:00Z"};
    (void)state; /* cmocka's, not used */
    begin("2026-11-01");
    for (size_t i = 0; i < 3; i++) {
        char text[300];
        (void)snprintf(text, sizeof text, RECORD("%s", "{\"override\":\"other\",\"rule\":\"r\"}"),
                       times[i]);
        line(text);
    }
    assert_int_equal(hits.records, 2);
    expect("2 ||r|other|2026-11-02T00:00:00Z:0; ");
}

/* A member of the same name elsewhere is another one. */
static void names_count_in_their_place_only(void **state)
{
    (void)state; /* cmocka's, not used */
    begin(NULL);
    line("{\"time\":\"t\",\"override\":\"a\",\"verdicts\":{\"override\":\"b\"}}");
    line("{\"time\":\"t\",\"verdicts\":[{\"rule\":\"r\",\"shadow\":{\"override\":\"c\"}}]}");
    line("{\"time\":\"t\",\"x\":{\"verdicts\":[{\"override\":\"d\"}]}}");
    line("{\"time\":\"t\",\"verdicts\":[[{\"override\":\"e\"}],\"override\",5]}");
    line("{\"time\":\"t\",\"verdicts\":[{\"via\":[{\"list\":\"l\"}],\"override\":\"f\","
         "\"asked\":[{\"tenant\":\"x\",\"via\":{\"list\":\"m\"}}]}]}");
    assert_int_equal(hits.records, 5);
    expect("1 |||f|t:0; ");
}

static void what_is_no_record_is_counted_as_that(void **state)
{
    static const char *const lines[] = {
        "x",
        "{",
        "[]",
        "5",
        "{}",
        "{\"time\":5}",
        "{\"time\":\"t\"",
        "{\"time\":\"t\"}}",
        "{\"time\":\"t\",\"verdicts\":[{\"override\":\"o\",\"rule\":\"r\"}]} x",
        "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        "[{\"time\":\"t\"}]"};
    (void)state; /* cmocka's, not used */
    begin(NULL);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        line(lines[i]);
    assert_int_equal(hits.unreadable, sizeof lines / sizeof *lines);
    assert_int_equal(hits.records, 0);
    expect("");
}

static void hostile_names_are_cut_and_keep_apart(void **state)
{
    char text[2000], name[1200];
    (void)state; /* cmocka's, not used */
    begin(NULL);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    (void)snprintf(text, sizeof text,
                   "{\"time\":\"%.500s\",\"verdicts\":[{\"tenant\":\"%s\",\"override\":\"o\"}]}",
                   name, name);
    line(text);
    line("{\"time\":\"t\",\"verdicts\":[{\"tenant\":\"a\\u0000b\",\"override\":\"o\",\"via\":"
         "{\"list\":\"\\u001b[2J\",\"entry\":\"\\ud83d\",\"line\":99999999999}}]}");
    assert_int_equal(hits.row_count, 2);
    assert_int_equal(strlen(hits.rows[0].tenant), MOON_HITS_TEXT_MAX - 1);
    assert_int_equal(strlen(hits.rows[0].last), sizeof hits.rows[0].last - 1);
    assert_string_equal(hits.rows[1].tenant, "a\xef\xbf\xbd"
                                             "b");
    assert_int_equal(hits.rows[1].line, 0);
    moon_arena_destroy(&arena);
}

static void only_ten_verdicts_of_a_record_count(void **state)
{
    char text[2000];
    size_t n = 0;
    (void)state; /* cmocka's, not used */
    begin(NULL);
    n += (size_t)snprintf(text, sizeof text, "{\"time\":\"t\",\"verdicts\":[");
    for (int i = 0; i < 20; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s{\"override\":\"o\",\"via\":{}}",
                              i ? "," : "");
    (void)snprintf(text + n, sizeof text - n, "]}");
    line(text);
    expect("10 |||o|t:0; ");
}

static void beyond_the_rows_hits_are_one_number(void **state)
{
    char text[200];
    (void)state; /* cmocka's, not used */
    begin(NULL);
    for (unsigned i = 0; i < MOON_HITS_ROWS_MAX + 7; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"time\":\"t\",\"verdicts\":[{\"tenant\":\"t%u\",\"override\":\"o\"}]}",
                       i);
        line(text);
    }
    line("{\"time\":\"t\",\"verdicts\":[{\"tenant\":\"t0\",\"override\":\"o\"}]}");
    assert_int_equal(hits.row_count, MOON_HITS_ROWS_MAX);
    assert_int_equal(hits.others, 7);
    assert_int_equal(hits.rows[0].count, 2);
    assert_false(hits.no_memory);
    moon_hits_sort(&hits);
    assert_string_equal(hits.rows[0].tenant, "t0");
    moon_arena_destroy(&arena);
}

static void a_lack_of_memory_is_told(void **state)
{
    (void)state; /* cmocka's, not used */
    for (size_t n = 1; n <= 2; n++) {
        arena = moon_arena_create(MOON_HITS_BYTES_MAX);
        moon_arena_fail_at(arena, n);
        assert_int_equal(moon_hits_begin(arena, NULL, MOON_HITS_ROWS_MAX, &hits), MOON_ENOMEM);
        moon_arena_destroy(&arena);
    }
    begin(NULL);
    moon_arena_fail_at(arena, 2);
    line("{\"time\":\"t\",\"verdicts\":[{\"override\":\"o\"}]}");
    assert_true(hits.no_memory);
    moon_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overrides_are_counted_by_tenant_list_entry_and_type),
        cmocka_unit_test(only_what_is_as_new_as_wanted_counts),
        cmocka_unit_test(names_count_in_their_place_only),
        cmocka_unit_test(what_is_no_record_is_counted_as_that),
        cmocka_unit_test(hostile_names_are_cut_and_keep_apart),
        cmocka_unit_test(only_ten_verdicts_of_a_record_count),
        cmocka_unit_test(beyond_the_rows_hits_are_one_number),
        cmocka_unit_test(a_lack_of_memory_is_told),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
