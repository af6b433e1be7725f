/* SPDX-License-Identifier: MIT
 *
 * cmd_case: see the header.
 */
#include "tests/support/cmd_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

char moon_cmd_folder[64];
char moon_cmd_printed[1 << 20];

int moon_cmd_begin(void **state)
{
    (void)state; /* cmocka's, not used */
    (void)snprintf(moon_cmd_folder, sizeof moon_cmd_folder, "/tmp/moon-test-XXXXXX");
    return mkdtemp(moon_cmd_folder) ? 0 : -1;
}

int moon_cmd_end(void **state)
{
    char command[128];
    (void)state; /* cmocka's, not used */
    (void)snprintf(command, sizeof command, "rm -rf '%s'", moon_cmd_folder);
    return system(command);
}

void moon_cmd_put(const char *path, const char *text)
{
    char whole[300];
    (void)snprintf(whole, sizeof whole, "%s/%s", moon_cmd_folder, path);
    for (char *c = whole + strlen(moon_cmd_folder) + 1; *c; c++) {
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

int moon_cmd_run(int (*command)(int, char **), const char *const *words)
{
    char path[200], *argv[12] = {NULL};
    int argc = 0;
    for (; words[argc]; argc++)
        argv[argc] = strdup(words[argc]);
    (void)snprintf(path, sizeof path, "%s/printed", moon_cmd_folder);
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
    moon_cmd_printed[fread(moon_cmd_printed, 1, sizeof moon_cmd_printed - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    (void)unlink(path);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return code;
}

void moon_cmd_wants(const char *want)
{
    if (!strstr(moon_cmd_printed, want))
        fail_msg("got:\n%.2000s\nwant: %s", moon_cmd_printed, want);
}

char *moon_cmd_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1 << 20);
    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    assert_int_equal(fclose(file), 0);
    return text;
}
