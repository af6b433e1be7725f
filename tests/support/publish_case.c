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
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/snapshot.h"
#include "engine/cmd/cmd.h"

char publish_folder[64], publish_etc[128], publish_var[128], publish_printed[65536];

int publish_case_begin(void **state)
{
    (void)state; /* cmocka's, not used */
    (void)snprintf(publish_folder, sizeof publish_folder, "/tmp/moon-test-XXXXXX");
    if (!mkdtemp(publish_folder))
        return -1;
    (void)snprintf(publish_etc, sizeof publish_etc, "%s/etc", publish_folder);
    (void)snprintf(publish_var, sizeof publish_var, "%s/var", publish_folder);
    return mkdir(publish_etc, 0755);
}

int publish_case_end(void **state)
{
    char command[128];
    (void)state; /* cmocka's, not used */
    (void)snprintf(command, sizeof command, "rm -rf '%s'", publish_folder);
    return system(command);
}

/* Writes etc/path; its folders are made. */
void publish_case_put(const char *path, const char *text)
{
    char whole[300];
    (void)snprintf(whole, sizeof whole, "%s/%s", publish_etc, path);
    for (char *c = whole + strlen(publish_etc) + 1; *c; c++) {
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
int publish_case_run(int (*command)(int, char **), const char *const *words)
{
    char path[200], *argv[12] = {NULL};
    int argc = 0;
    for (; words[argc]; argc++)
        argv[argc] = strdup(words[argc]);
    (void)snprintf(path, sizeof path, "%s/printed", publish_folder);
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
    publish_printed[fread(publish_printed, 1, sizeof publish_printed - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return code;
}

int publish_case_publish(const char *more)
{
    const char *const words[] = {"publish",   "--config-dir", publish_etc, "--state-dir",
                                 publish_var, more,           NULL};
    return publish_case_run(moon_cmd_publish, words);
}

void publish_case_expect(const char *want)
{
    if (!strstr(publish_printed, want))
        fail_msg("got:\n%s\nwant: %s", publish_printed, want);
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
