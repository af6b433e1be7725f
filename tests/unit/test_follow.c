/* SPDX-License-Identifier: MIT
 *
 * follow: which links a publisher follows. Root publishes, tenants write in their folders: a link
 * must not fetch what is not theirs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/status.h"
#include "engine/cmd/follow.h"

static char base[] = "/tmp/moon-follow-XXXXXX";

static void path_of(char *out, size_t size, const char *name)
{
    (void)snprintf(out, size, "%s/%s", base, name);
}

static void put(const char *name, const char *text)
{
    char path[200];
    path_of(path, sizeof path, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void link_to(const char *target, const char *name)
{
    char path[200];
    path_of(path, sizeof path, name);
    assert_int_equal(symlink(target, path), 0);
}

static void mode(const char *name, mode_t bits)
{
    char path[200];
    path_of(path, sizeof path, name);
    assert_int_equal(chmod(path, bits), 0);
}

static int set_up(void **state)
{
    char path[200];
    (void)state;
    if (!mkdtemp(base))
        return -1;
    path_of(path, sizeof path, "acme");
    return mkdir(path, 0755);
}

static int tear_down(void **state)
{
    char command[200];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", base);
    return system(command);
}

/* What opening gives: the file's text, or why not. */
static void expect(const char *path, const char *want)
{
    char got[100] = "";
    const char *why = NULL;
    int fd = moon_follow_open(base, path, &why);
    if (fd >= 0) {
        ssize_t n = read(fd, got, sizeof got - 1);
        assert_true(n >= 0);
        assert_int_equal(close(fd), 0);
    } else {
        (void)snprintf(got, sizeof got, "%s", why ? why : "none");
    }
    if (strncmp(got, want, strlen(want)) != 0 || (*want == '\0' && *got))
        fail_msg("%s: got \"%s\", want \"%s\"", path, got, want);
}

static void opens_files_and_tells_those_that_are_missing(void **state)
{
    (void)state;
    put("acme/policy.lua", "policy");
    expect("acme/policy.lua", "policy");
    expect("acme//policy.lua", "policy");
    expect("acme/nothing.lua", "none");
    expect("nobody/policy.lua", "none");
    expect("acme/policy.lua/more", "Not a directory");
}

static void follows_links_only_where_nobody_else_may_write(void **state)
{
    (void)state;
    put("secret", "secret");
    link_to("../secret", "acme/list.lua");
    link_to("acme", "alias");
    expect("acme/list.lua", "secret");
    expect("alias/list.lua", "secret");
    mode("acme", 0777);
    expect("acme/list.lua", "a link in a folder that others may write");
    expect("alias/list.lua", "a link in a folder that others may write");
    expect("acme/policy.lua", "policy"); /* a file is theirs to write */
    mode("acme", 0755);
    expect("acme/list.lua", "secret");
}

static void a_folder_of_another_user_is_not_trusted(void **state)
{
    char path[200];
    (void)state;
    if (geteuid() != 0)
        return; /* only root can give a folder away; the case above holds for everybody */
    path_of(path, sizeof path, "acme");
    assert_int_equal(chown(path, 65534, 65534), 0);
    expect("acme/list.lua", "a link in a folder that others may write");
    expect("acme/policy.lua", "policy");
    assert_int_equal(chown(path, 0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_files_and_tells_those_that_are_missing),
        cmocka_unit_test(follows_links_only_where_nobody_else_may_write),
        cmocka_unit_test(a_folder_of_another_user_is_not_trusted),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
