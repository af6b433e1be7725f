/* SPDX-License-Identifier: MIT
 *
 * setup: the counter store of the settings.
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

#include "engine/base/limits.h"
#include "engine/cmd/setup.h"
#include "tests/support/store_case.h"

static char folder[] = "/tmp/moon-setup-XXXXXX";

static int make_folder(void **state)
{
    (void)state; /* cmocka's, not used */
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[64];
    (void)state; /* cmocka's, not used */
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* Settings with this store; `file` is put behind the folder for SQLite. */
static void open_with(struct moon_setup *setup, const char *store, const char *file,
                      const char *timeout_ms)
{
    struct moon_snapshot_writer *writer = moon_snapshot_writer_create();
    struct moon_error error = {""};
    char value[128], hash[65], path[256];

    (void)snprintf(value, sizeof value, "%s%s%s", store, file ? folder : "", file ? file : "");
    assert_int_equal(
        moon_snapshot_writer_add(writer, MOON_SPAN("conf/store"), moon_span_of(value), &error),
        MOON_OK);
    assert_int_equal(moon_snapshot_writer_add(writer, MOON_SPAN("conf/store_timeout_ms"),
                                              moon_span_of(timeout_ms), &error),
                     MOON_OK);
    assert_int_equal(moon_snapshot_writer_save(writer, folder, hash, &error), MOON_OK);
    moon_snapshot_writer_destroy(&writer);
    (void)snprintf(path, sizeof path, "%s/%s.snapshot", folder, hash);
    if (moon_setup_open(path, NULL, setup, &error) != MOON_OK)
        fail_msg("%s", error.text);
}

static int64_t count(struct moon_setup *setup)
{
    assert_ptr_equal(setup->engine.store, setup->store);
    return store_case_count(setup->store, "t acme", "k", STORE_CASE_NOW, 86400, 1);
}

static void the_store_is_that_of_the_settings(void **state)
{
    struct moon_setup setup;
    (void)state; /* cmocka's, not used */
    open_with(&setup, "none", NULL, "50");
    assert_int_equal(moon_setup_store(&setup, false, NULL), MOON_OK);
    assert_null(setup.engine.store);
    assert_int_equal(moon_setup_store_fd(&setup), -1);
    moon_setup_close(&setup);
    open_with(&setup, "redis://127.0.0.1:9", NULL, "50");
    assert_int_equal(moon_setup_store(&setup, false, NULL), MOON_OK);
    assert_int_equal(moon_setup_store_fd(&setup), -1);
    assert_int_equal(count(&setup), -1); /* nobody listens there */
    moon_setup_close(&setup);
    open_with(&setup, "sqlite:", "/first.sqlite", "1000");
    assert_int_equal(moon_setup_store(&setup, false, NULL), MOON_OK);
    assert_int_equal(moon_setup_store_fd(&setup), MOON_STORE_FD);
    assert_int_equal(count(&setup), 1);
    moon_setup_close(&setup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_store_is_that_of_the_settings),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
