/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/base/tenant_conf.c: what is packed is read again, and a damaged record is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/tenant_conf.h"

static struct moon_setting text_of(const char *key, const char *text)
{
    return (struct moon_setting){
        .key = moon_span_of(key), .type = MOON_SETTING_TEXT, .text = moon_span_of(text)};
}

/* Sorted, one of each type. */
static struct moon_span pack(struct moon_arena *arena)
{
    static struct moon_setting parts[2], names[1], all[6];
    parts[0] = text_of("", "one");
    parts[1] = (struct moon_setting){.type = MOON_SETTING_INTEGER, .integer = -2};
    names[0] = text_of("inner", "x");
    all[0] =
        (struct moon_setting){.key = MOON_SPAN("a"), .type = MOON_SETTING_BOOLEAN, .boolean = true};
    all[1] = (struct moon_setting){
        .key = MOON_SPAN("b"), .type = MOON_SETTING_INTEGER, .integer = INT64_MIN};
    all[2] = (struct moon_setting){
        .key = MOON_SPAN("c"), .type = MOON_SETTING_LIST, .parts = parts, .part_count = 2};
    all[3] = (struct moon_setting){
        .key = MOON_SPAN("d"), .type = MOON_SETTING_MAP, .parts = names, .part_count = 1};
    all[4] =
        (struct moon_setting){.key = MOON_SPAN("e"), .type = MOON_SETTING_NUMBER, .number = 0.25};
    all[5] = text_of("f", "text");
    return moon_tenant_conf_pack(arena, MOON_MODE_SHADOW, 25, all, 6);
}

static void what_is_packed_is_read_again(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 16);
    struct moon_tenant_conf conf;
    struct moon_setting s, part;

    (void)state; /* cmocka's, not used */
    assert_true(moon_tenant_conf_read(pack(arena), &conf));
    assert_int_equal(conf.mode, MOON_MODE_SHADOW);
    assert_int_equal(conf.canary, 25);
    assert_true(moon_setting_find(&conf, MOON_SPAN("a"), &s) && s.boolean);
    assert_true(moon_setting_find(&conf, MOON_SPAN("b"), &s) && s.integer == INT64_MIN);
    assert_true(moon_setting_find(&conf, MOON_SPAN("e"), &s) && s.number == 0.25);
    assert_true(moon_setting_find(&conf, MOON_SPAN("f"), &s) && moon_span_is(s.text, "text"));
    assert_true(moon_setting_find(&conf, MOON_SPAN("c"), &s) && s.type == MOON_SETTING_LIST);
    struct moon_buf buf = moon_buf_of(s.packed);
    assert_true(moon_setting_next(&buf, false, &part) && moon_span_is(part.text, "one"));
    assert_true(moon_setting_next(&buf, false, &part) && part.integer == -2);
    assert_false(moon_setting_next(&buf, false, &part) || buf.failed);
    assert_true(moon_setting_find(&conf, MOON_SPAN("d"), &s) && s.type == MOON_SETTING_MAP);
    buf = moon_buf_of(s.packed);
    assert_true(moon_setting_next(&buf, true, &part) && moon_span_is(part.key, "inner"));
    assert_false(moon_setting_next(&buf, true, &part) || buf.failed);
    assert_false(moon_setting_find(&conf, MOON_SPAN("g"), &s));
    moon_arena_destroy(&arena);
}

static void a_record_that_is_cut_off_has_no_setting_too_many(void **state)
{
    struct moon_arena *arena = moon_arena_create(1 << 16);
    struct moon_span record = pack(arena);
    struct moon_tenant_conf conf;

    (void)state; /* cmocka's, not used */
    for (size_t n = 0; n < record.n; n++) {
        char *copy = malloc(n + 1); /* of its exact size, for the sanitizers */
        assert_non_null(copy);
        memcpy(copy, record.p, n);
        struct moon_span cut = {copy, n};
        struct moon_setting s;
        bool head = moon_tenant_conf_read(cut, &conf);
        assert_int_equal(head, n >= 3);
        struct moon_buf buf = moon_buf_of(conf.settings);
        size_t count = 0;
        while (moon_setting_next(&buf, true, &s))
            count++;
        assert_true(count < 6);
        free(copy);
    }
    moon_arena_destroy(&arena);
}

static void a_damaged_head_is_no_record(void **state)
{
    static const struct {
        const char *what;
        struct moon_span record;
    } table[] = {{"empty", {"", 0}},
                 {"another version", {"\x02\x01\x00", 3}},
                 {"an unknown mode", {"\x01\x04\x00", 3}},
                 {"a canary of 101 %", {"\x01\x01\x65", 3}}};
    struct moon_tenant_conf conf;

    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (moon_tenant_conf_read(table[i].record, &conf))
            fail_msg("%s was read", table[i].what);
        assert_int_equal(conf.mode, MOON_MODE_NONE);
        assert_int_equal(conf.canary, 0);
    }
    char *large = calloc(1, MOON_TENANT_CONF_BYTES_MAX + 1);
    assert_non_null(large);
    memcpy(large, "\x01\x01\x64", 3);
    assert_true(
        moon_tenant_conf_read((struct moon_span){large, MOON_TENANT_CONF_BYTES_MAX}, &conf));
    assert_false(
        moon_tenant_conf_read((struct moon_span){large, MOON_TENANT_CONF_BYTES_MAX + 1}, &conf));
    free(large);
}

static void an_unknown_type_ends_the_reading(void **state)
{
    struct moon_buf buf = moon_buf_of((struct moon_span){"\0\1az\0\1bb\1", 9});
    struct moon_setting s;
    (void)state; /* cmocka's, not used */
    assert_false(moon_setting_next(&buf, true, &s));
    assert_true(buf.failed);
    assert_false(moon_setting_next(&buf, true, &s));
}

/* A snapshot of two records, or of the one for all. */
static struct moon_snapshot *snapshot_of(bool acme, struct moon_span *bytes_r)
{
    struct moon_snapshot_writer *writer = moon_snapshot_writer_create();
    struct moon_snapshot *snapshot;
    char hash[65];
    assert_non_null(writer);
    if (acme)
        assert_int_equal(moon_snapshot_writer_add(writer, MOON_SPAN("tenant-conf/acme"),
                                                  (struct moon_span){"\1\2\0", 3}, NULL),
                         MOON_OK);
    assert_int_equal(moon_snapshot_writer_add(writer, MOON_SPAN("tenant-conf/*"),
                                              (struct moon_span){"\1\3\7", 3}, NULL),
                     MOON_OK);
    assert_int_equal(moon_snapshot_writer_add(writer, MOON_SPAN("tenant-conf/bad"),
                                              (struct moon_span){"\1", 1}, NULL),
                     MOON_OK);
    assert_int_equal(moon_snapshot_writer_bytes(writer, hash, bytes_r, NULL), MOON_OK);
    assert_int_equal(moon_snapshot_of_memory(*bytes_r, &snapshot, NULL), MOON_OK);
    moon_snapshot_writer_destroy(&writer);
    return snapshot;
}

static void a_tenant_without_a_record_has_that_of_all(void **state)
{
    struct moon_span bytes;
    struct moon_snapshot *snapshot = snapshot_of(true, &bytes);
    struct moon_tenant_conf conf;
    (void)state; /* cmocka's, not used */
    assert_true(moon_tenant_conf_get(snapshot, "acme", &conf));
    assert_int_equal(conf.mode, MOON_MODE_DRY_RUN);
    assert_true(moon_tenant_conf_get(snapshot, "other", &conf));
    assert_int_equal(conf.mode, MOON_MODE_SHADOW);
    assert_int_equal(conf.canary, 7);
    assert_true(moon_tenant_conf_get(snapshot, "", &conf));
    assert_int_equal(conf.canary, 7);
    assert_false(moon_tenant_conf_get(snapshot, "bad", &conf));
    assert_int_equal(conf.mode, MOON_MODE_NONE);
    assert_true(moon_tenant_conf_get(NULL, "acme", &conf));
    assert_int_equal(conf.mode, MOON_MODE_NONE);
    moon_snapshot_close(&snapshot);
    free((void *)(uintptr_t)bytes.p);
}

static void packing_survives_the_failure_of_every_allocation(void **state)
{
    (void)state; /* cmocka's, not used */
    for (size_t n = 1; n < 6; n++) {
        struct moon_arena *arena = moon_arena_create(1 << 16);
        moon_arena_fail_at(arena, n);
        struct moon_span record = pack(arena);
        assert_true(record.n == 0 || !moon_arena_failed(arena));
        moon_arena_destroy(&arena);
    }
}

static void modes_have_names(void **state)
{
    enum moon_mode mode = MOON_MODE_NONE;
    (void)state; /* cmocka's, not used */
    assert_string_equal(moon_mode_name(MOON_MODE_DRY_RUN), "dry_run");
    assert_true(moon_mode_of_name(MOON_SPAN("shadow"), &mode));
    assert_int_equal(mode, MOON_MODE_SHADOW);
    assert_false(moon_mode_of_name(MOON_SPAN(""), &mode));
    assert_false(moon_mode_of_name(MOON_SPAN("Shadow"), &mode));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_is_read_again),
        cmocka_unit_test(a_record_that_is_cut_off_has_no_setting_too_many),
        cmocka_unit_test(a_damaged_head_is_no_record),
        cmocka_unit_test(an_unknown_type_ends_the_reading),
        cmocka_unit_test(a_tenant_without_a_record_has_that_of_all),
        cmocka_unit_test(packing_survives_the_failure_of_every_allocation),
        cmocka_unit_test(modes_have_names),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
