/* SPDX-License-Identifier: MIT
 *
 * The module's settings out of an environment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/status.h"
#include "engine/wire/wire.h"
#include "local_scan/settings.h"

static const char *env_name, *env_value;
static char complaint[512];
static int complaints;

static char *get(const char *name)
{
    return env_name && strcmp(name, env_name) == 0 ? (char *)(uintptr_t)env_value : NULL;
}

static void complain(const char *line)
{
    (void)strncpy(complaint, line, sizeof complaint - 1); /* the last byte stays 0 */
    complaints++;
}

static struct moon_settings read_one(const char *name, const char *value)
{
    struct moon_settings settings;
    env_name = name;
    env_value = value;
    complaints = 0;
    complaint[0] = '\0';
    moon_settings_read(&settings, get, complain);
    return settings;
}

static void nothing_said_gives_the_defaults(void **state)
{
    (void)state;
    struct moon_settings got = read_one(NULL, NULL);
    assert_int_equal(got.program[0], '/');
    assert_null(got.snapshot);
    assert_true(got.timeout_ms == 0);
    assert_int_equal(got.failure, 0);
    assert_false(got.scan_authenticated);
    assert_false(got.scan_loopback);
    assert_int_equal(complaints, 0);
}

static void each_setting_is_taken(void **state)
{
    (void)state;
    assert_string_equal(read_one("MOONSCAN_PROGRAM", "/opt/m").program, "/opt/m");
    assert_string_equal(read_one("MOONSCAN_SOCKET", "/run/s").socket, "/run/s");
    assert_null(read_one("MOONSCAN_SOCKET", "none").socket);
    assert_string_equal(read_one("MOONSCAN_SOCKET", "").socket, "/run/moonscan/scan.sock");
    assert_string_equal(read_one("MOONSCAN_SNAPSHOT", "/opt/s").snapshot, "/opt/s");
    assert_true(read_one("MOONSCAN_TIMEOUT", "7").timeout_ms == 7000);
    assert_true(read_one("MOONSCAN_TIMEOUT", "3600").timeout_ms == 3600000);
    assert_int_equal(read_one("MOONSCAN_FAILURE", "defer").failure, MOON_WIRE_DEFER);
    assert_int_equal(read_one("MOONSCAN_FAILURE", "Accept").failure, MOON_WIRE_ACCEPT);
    assert_int_equal(read_one("MOONSCAN_FAILURE", "reject").failure, MOON_WIRE_REJECT);
    assert_true(read_one("MOONSCAN_AUTHENTICATED", "scan").scan_authenticated);
    assert_false(read_one("MOONSCAN_AUTHENTICATED", "skip").scan_authenticated);
    assert_true(read_one("MOONSCAN_LOOPBACK", "scan").scan_loopback);
    assert_false(read_one("MOONSCAN_LOOPBACK", "skip").scan_loopback);
    assert_int_equal(complaints, 0);
}

static void a_wrong_value_is_named_once_and_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *wanted;
    } table[] = {
        {"MOONSCAN_PROGRAM", "moonscan", "an absolute path"},
        {"MOONSCAN_PROGRAM", "/a\nb", "an absolute path"},
        {"MOONSCAN_LOOPBACK", "yes", "skip or scan"},
        {"MOONSCAN_SNAPSHOT", "here", "an absolute path"},
        {"MOONSCAN_SOCKET", "scan.sock", "an absolute path of at most 107 bytes, or none"},
        {"MOONSCAN_TIMEOUT", "0", "seconds, 1 to 3600"},
        {"MOONSCAN_TIMEOUT", "3601", "seconds, 1 to 3600"},
        {"MOONSCAN_TIMEOUT", "-1", "seconds, 1 to 3600"},
        {"MOONSCAN_TIMEOUT", "30s", "seconds, 1 to 3600"},
        {"MOONSCAN_TIMEOUT", "99999999999999999999999", "seconds, 1 to 3600"},
        {"MOONSCAN_FAILURE", "freeze", "defer, accept or reject"},
        {"MOONSCAN_AUTHENTICATED", "yes", "skip or scan"},
    };
    struct moon_settings want = read_one(NULL, NULL);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_settings got = read_one(table[i].name, table[i].value);
        assert_string_equal(got.program, want.program);
        assert_null(got.snapshot);
        assert_true(got.timeout_ms == 0);
        assert_int_equal(got.failure, 0);
        assert_false(got.scan_authenticated);
        assert_false(got.scan_loopback);
        if (complaints != 1 || !strstr(complaint, table[i].name) ||
            !strstr(complaint, table[i].wanted) || strchr(complaint, '\n'))
            fail_msg("%s=%s: got %d lines, \"%s\"", table[i].name, table[i].value, complaints,
                     complaint);
    }
}

static void an_empty_value_is_no_value(void **state)
{
    (void)state;
    assert_true(read_one("MOONSCAN_TIMEOUT", "").timeout_ms == 0);
    assert_int_equal(complaints, 0);
}

static void a_long_value_is_cut_in_the_complaint(void **state)
{
    (void)state;
    char value[5000];
    memset(value, 'v', sizeof value - 1);
    value[0] = '/';
    value[sizeof value - 1] = '\0';
    struct moon_settings got = read_one("MOONSCAN_PROGRAM", value);
    assert_true(got.program != value);
    assert_int_equal(complaints, 1);
    assert_true(strlen(complaint) < 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_gives_the_defaults),
        cmocka_unit_test(each_setting_is_taken),
        cmocka_unit_test(a_wrong_value_is_named_once_and_changes_nothing),
        cmocka_unit_test(an_empty_value_is_no_value),
        cmocka_unit_test(a_long_value_is_cut_in_the_complaint),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
