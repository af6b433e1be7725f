/* SPDX-License-Identifier: MIT
 *
 * publish_case: see the header.
 */
#include "tests/support/publish_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/snapshot.h"
#include "engine/cmd/cmd.h"

char publish_etc[128], publish_var[128];

int publish_case_begin(void **state)
{
    if (moon_cmd_begin(state) != 0)
        return -1;
    (void)snprintf(publish_etc, sizeof publish_etc, "%s/etc", moon_cmd_folder);
    (void)snprintf(publish_var, sizeof publish_var, "%s/var", moon_cmd_folder);
    return mkdir(publish_etc, 0755);
}

void publish_case_put(const char *path, const char *text)
{
    char whole[300];
    (void)snprintf(whole, sizeof whole, "etc/%s", path);
    moon_cmd_put(whole, text);
}

int publish_case_publish(const char *more)
{
    const char *const words[] = {"publish",   "--config-dir", publish_etc, "--state-dir",
                                 publish_var, more,           NULL};
    return moon_cmd_run(moon_cmd_publish, words);
}

/* The value of a record of the snapshot in force; NULL when it is missing. */
const char *publish_case_in_force(const char *key)
{
    static char value[4096];
    char path[300];
    struct moon_snapshot *snapshot;
    struct moon_error error = {""};
    struct moon_span found;
    (void)snprintf(path, sizeof path, "%s/current", publish_var);
    assert_int_equal(moon_snapshot_open(path, &snapshot, &error), MOON_OK);
    assert_non_null(snapshot);
    bool there = moon_snapshot_get(snapshot, moon_span_of(key), &found);
    (void)snprintf(value, sizeof value, "%.*s", (int)found.n, found.p ? found.p : "");
    moon_snapshot_close(&snapshot);
    return there ? value : NULL;
}
