/* SPDX-License-Identifier: MIT
 *
 * Tests of engine/base/snapshot.c, snapshot_writer.c and hash.c.
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

#include "engine/base/hash.h"
#include "engine/base/snapshot.h"
#include "engine/base/snapshot_format.h"

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

static void save(const char *const pairs[][2], size_t count, char hash[65])
{
    struct moon_snapshot_writer *writer = moon_snapshot_writer_create();
    struct moon_error error = {""};
    assert_non_null(writer);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(moon_snapshot_writer_add(writer, moon_span_of(pairs[i][0]),
                                                  moon_span_of(pairs[i][1]), &error),
                         MOON_OK);
    assert_int_equal(moon_snapshot_writer_save(writer, folder, hash, &error), MOON_OK);
    moon_snapshot_writer_destroy(&writer);
    assert_null(writer);
}

static const char *const three[][2] = {
    {"tenant/acme", "tenants/acme.lua"}, {"domain/a.example", "acme"}, {"conf/policy", ""}};

static void finds_every_record_whatever_the_order_of_writing(void **state)
{
    char hash[65], path[256];
    struct moon_snapshot *snapshot;
    struct moon_span key, value;
    struct moon_error error = {""};
    (void)state; /* cmocka's, not used */

    save(three, 3, hash);
    (void)snprintf(path, sizeof path, "%s/%s.snapshot", folder, hash);
    assert_int_equal(moon_snapshot_open(path, &snapshot, &error), MOON_OK);
    assert_non_null(snapshot);
    for (size_t i = 0; i < 3; i++) {
        assert_true(moon_snapshot_get(snapshot, moon_span_of(three[i][0]), &value));
        assert_true(moon_span_is(value, three[i][1]));
    }
    assert_false(moon_snapshot_get(snapshot, MOON_SPAN("domain/a.exampl"), &value));
    assert_false(moon_snapshot_get(snapshot, MOON_SPAN("domain/a.example2"), &value));
    assert_true(moon_snapshot_each(snapshot, 0, &key, &value));
    assert_true(moon_span_is(key, "conf/policy"));
    assert_false(moon_snapshot_each(snapshot, 3, &key, &value));
    assert_true(moon_snapshot_verify(snapshot));
    assert_memory_equal(moon_snapshot_hash(snapshot), hash, 12);
    assert_string_equal(moon_snapshot_full_hash(snapshot), hash);
    moon_snapshot_close(&snapshot);
}

static void the_same_content_has_the_same_name(void **state)
{
    static const char *const turned[][2] = {
        {"conf/policy", ""}, {"tenant/acme", "tenants/acme.lua"}, {"domain/a.example", "acme"}};
    static const char *const other[][2] = {{"conf/policy", "strict"}};
    char first[65], second[65], third[65];
    (void)state; /* cmocka's, not used */
    save(three, 3, first);
    save(turned, 3, second);
    save(other, 1, third);
    assert_string_equal(first, second);
    assert_string_not_equal(first, third);
}

static void refuses_the_same_key_twice(void **state)
{
    struct moon_snapshot_writer *writer = moon_snapshot_writer_create();
    struct moon_error error = {""};
    char hash[65];
    (void)state; /* cmocka's, not used */
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            moon_snapshot_writer_add(writer, MOON_SPAN("site"), MOON_SPAN("x"), &error), MOON_OK);
    assert_int_equal(moon_snapshot_writer_save(writer, folder, hash, &error), MOON_ECONF);
    assert_non_null(strstr(error.text, "'site'"));
    assert_int_equal(moon_snapshot_writer_add(writer, MOON_SPAN(""), MOON_SPAN("x"), &error),
                     MOON_ECONF);
    moon_snapshot_writer_destroy(&writer);
}

static void a_missing_file_is_no_snapshot_and_no_error(void **state)
{
    struct moon_snapshot *snapshot = (void *)folder;
    struct moon_error error = {""};
    char path[128];
    (void)state; /* cmocka's, not used */
    (void)snprintf(path, sizeof path, "%s/none", folder);
    assert_int_equal(moon_snapshot_open(path, &snapshot, &error), MOON_OK);
    assert_null(snapshot);
    assert_int_equal(moon_snapshot_open(folder, &snapshot, &error), MOON_EIO);
    assert_null(snapshot);
}

/* Bytes of a good snapshot, on the heap. */
static struct moon_span good_bytes(void)
{
    char hash[65], path[256];
    static char bytes[4096];
    save(three, 3, hash);
    (void)snprintf(path, sizeof path, "%s/%s.snapshot", folder, hash);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, sizeof bytes, file);
    assert_int_equal(fclose(file), 0);
    return (struct moon_span){bytes, n};
}

static void a_link_to_nowhere_is_an_error(void **state)
{
    struct moon_snapshot *snapshot = NULL;
    struct moon_error error = {""};
    char path[300];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/current", folder);
    assert_int_equal(symlink("snapshots/gone.snapshot", path), 0);
    assert_int_equal(moon_snapshot_open(path, &snapshot, &error), MOON_EIO);
    assert_non_null(strstr(error.text, "is missing"));
    assert_null(snapshot);
    assert_int_equal(unlink(path), 0);
}

static void refuses_every_cut_in_head_index_and_records(void **state)
{
    struct moon_span good = good_bytes();
    struct moon_snapshot *snapshot;
    struct moon_error error;
    (void)state; /* cmocka's, not used */
    for (size_t n = 0; n < good.n; n++) {
        char *exact = malloc(n ? n : 1);
        memcpy(exact, good.p, n);
        assert_int_equal(moon_snapshot_of_memory((struct moon_span){exact, n}, &snapshot, &error),
                         MOON_EIO);
        assert_null(snapshot);
        free(exact);
    }
}

static void refuses_an_index_that_is_not_in_order_or_leaves_the_file(void **state)
{
    static const struct {
        size_t at;
        unsigned char byte;
        const char *want;
    } table[] = {
        {0, 'X', "no snapshot of this version"},
        {10, '-', "no hash"},
        {72, 1, "cut off"},                               /* count */
        {MOON_SNAPSHOT_HEAD_BYTES, 1, "outside"},         /* key offset */
        {MOON_SNAPSHOT_HEAD_BYTES + 4, 0xff, "outside"},  /* key length */
        {MOON_SNAPSHOT_HEAD_BYTES + 8, 0xff, "outside"},  /* value offset */
        {MOON_SNAPSHOT_HEAD_BYTES + 12, 0xff, "outside"}, /* value length */
        {MOON_SNAPSHOT_HEAD_BYTES + 3 * MOON_SNAPSHOT_ENTRY_BYTES, 'z', "not in order"},
    };
    (void)state; /* cmocka's, not used */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct moon_span good = good_bytes();
        struct moon_snapshot *snapshot = NULL;
        struct moon_error error = {""};
        char *bytes = malloc(good.n);
        memcpy(bytes, good.p, good.n);
        bytes[table[i].at] = (char)table[i].byte;
        enum moon_status status =
            moon_snapshot_of_memory((struct moon_span){bytes, good.n}, &snapshot, &error);
        if (status != MOON_EIO || !strstr(error.text, table[i].want))
            fail_msg("case %zu: got %d '%s', want '%s'", i, (int)status, error.text, table[i].want);
        free(bytes);
    }
}

static void a_changed_value_is_seen_by_verify(void **state)
{
    struct moon_span good = good_bytes();
    struct moon_snapshot *snapshot;
    struct moon_error error;
    (void)state; /* cmocka's, not used */
    char *bytes = malloc(good.n);
    memcpy(bytes, good.p, good.n);
    bytes[good.n - 1] ^= 1;
    assert_int_equal(moon_snapshot_of_memory((struct moon_span){bytes, good.n}, &snapshot, &error),
                     MOON_OK);
    assert_false(moon_snapshot_verify(snapshot));
    moon_snapshot_close(&snapshot);
    free(bytes);
}

static void hashes_as_the_standard_says(void **state)
{
    char hash[MOON_HASH_TEXT_BYTES];
    (void)state; /* cmocka's, not used */
    assert_true(moon_hash_hex(MOON_SPAN("abc"), hash));
    assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_every_record_whatever_the_order_of_writing),
        cmocka_unit_test(the_same_content_has_the_same_name),
        cmocka_unit_test(refuses_the_same_key_twice),
        cmocka_unit_test(a_missing_file_is_no_snapshot_and_no_error),
        cmocka_unit_test(a_link_to_nowhere_is_an_error),
        cmocka_unit_test(refuses_every_cut_in_head_index_and_records),
        cmocka_unit_test(refuses_an_index_that_is_not_in_order_or_leaves_the_file),
        cmocka_unit_test(a_changed_value_is_seen_by_verify),
        cmocka_unit_test(hashes_as_the_standard_says),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
