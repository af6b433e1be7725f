/* SPDX-License-Identifier: MIT
 *
 * tenants: recipients are put together by tenant, by the map or by the ACL's word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/verdict/tenants.h"

static char directory[] = "/tmp/moon-tenants-XXXXXX";
static struct moon_snapshot *snapshot;

static int publish(void **state)
{
    static const char *const records[][2] = {
        {"domain/a.test", "acme"}, {"domain/b.test", "beta"}, {"domain/c.test", "acme"},
        {"tenant/acme", ""},       {"tenant/beta", ""},
    };
    struct moon_error error;
    char hash[65], path[256];

    (void)state;
    struct moon_snapshot_writer *writer = moon_snapshot_writer_create();
    for (size_t i = 0; i < sizeof records / sizeof *records; i++)
        if (moon_snapshot_writer_add(writer, moon_span_of(records[i][0]),
                                     moon_span_of(records[i][1]), &error) != MOON_OK)
            return -1;
    if (!mkdtemp(directory) ||
        moon_snapshot_writer_save(writer, directory, hash, &error) != MOON_OK)
        return -1;
    moon_snapshot_writer_destroy(&writer);
    (void)snprintf(path, sizeof path, "%s/%s.snapshot", directory, hash);
    int bad = moon_snapshot_open(path, &snapshot, &error) != MOON_OK;
    return unlink(path) != 0 || rmdir(directory) != 0 || bad ? -1 : 0;
}

static int unpublish(void **state)
{
    (void)state;
    moon_snapshot_close(&snapshot);
    return 0;
}

/* Groups of the recipients as "tenant:address,address tenant:..." */
static const char *groups(struct moon_arena *arena, const char *const *addresses, size_t count,
                          const char *hint, const char **notes_r)
{
    struct moon_recipient recipients[8];
    struct moon_message msg = {
        .recipients = recipients, .recipient_count = count, .tenant_hint = hint};
    struct moon_tenant_verdict *tenants;
    size_t tenant_count;
    struct moon_str str;

    for (size_t i = 0; i < count; i++)
        recipients[i] = (struct moon_recipient){addresses[i], strchr(addresses[i], '@') + 1};
    assert_int_equal(moon_tenants_group(arena, snapshot, &msg, &tenants, &tenant_count, notes_r),
                     MOON_OK);
    moon_str_begin(&str, arena);
    for (size_t i = 0; i < tenant_count; i++) {
        moon_str_addf(&str, "%s%s:", i ? " " : "", tenants[i].tenant);
        for (size_t k = 0; k < tenants[i].recipient_count; k++)
            moon_str_addf(&str, "%s%s", k ? "," : "", addresses[tenants[i].recipients[k]]);
    }
    return moon_str_end(&str);
}

static void groups_as_the_table_says(void **state)
{
    static const char *const addresses[] = {"x@b.test", "y@a.test", "z@none.test", "W@c.test"};
    static const struct {
        const char *hint, *want;
        bool noted;
    } cases[] = {
        {NULL, ":z@none.test acme:y@a.test,W@c.test beta:x@b.test", false},
        {"", ":z@none.test acme:y@a.test,W@c.test beta:x@b.test", false},
        {"none.test=beta", "acme:y@a.test,W@c.test beta:x@b.test,z@none.test", false},
        {"w@c.test=beta, none.test=acme", "acme:y@a.test,z@none.test beta:x@b.test,W@c.test",
         false},
        {"acme", "acme:x@b.test,y@a.test,z@none.test,W@c.test", false},
        {"nobody", ":z@none.test acme:y@a.test,W@c.test beta:x@b.test", true},
        {"none.test=../../etc", ":z@none.test acme:y@a.test,W@c.test beta:x@b.test", true},
        {"none.test=- b.test=", ":z@none.test acme:y@a.test,W@c.test beta:x@b.test", false},
        {"=acme", ":z@none.test acme:y@a.test,W@c.test beta:x@b.test", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
        const char *notes;
        const char *got = groups(arena, addresses, 4, cases[i].hint, &notes);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("hint %s: got %s, want %s", cases[i].hint, got, cases[i].want);
        assert_int_equal(notes != NULL, cases[i].noted);
        moon_arena_destroy(&arena);
    }
}

static void a_message_without_recipients_is_one_group(void **state)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    const char *notes;

    (void)state;
    assert_string_equal(groups(arena, NULL, 0, NULL, &notes), ":");
    moon_arena_destroy(&arena);
}

static void every_failed_allocation_is_told(void **state)
{
    struct moon_recipient recipients[2] = {{"x@a.test", "a.test"}, {"y@b.test", "b.test"}};
    struct moon_message msg = {
        .recipients = recipients, .recipient_count = 2, .tenant_hint = "y@b.test=acme"};
    enum moon_status status = MOON_ENOMEM;

    (void)state;
    for (size_t n = 1; status != MOON_OK; n++) {
        struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
        struct moon_tenant_verdict *tenants;
        size_t count;
        const char *notes;
        moon_arena_fail_at(arena, n);
        status = moon_tenants_group(arena, snapshot, &msg, &tenants, &count, &notes);
        assert_true(status == MOON_OK || status == MOON_ENOMEM);
        moon_arena_destroy(&arena);
        assert_true(n < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_as_the_table_says),
        cmocka_unit_test(a_message_without_recipients_is_one_group),
        cmocka_unit_test(every_failed_allocation_is_told),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, publish, unpublish);
}
