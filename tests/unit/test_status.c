/* SPDX-License-Identifier: MIT
 *
 * Status names, reason texts, and what a bug does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/status.h"

static void every_status_has_a_name(void **state)
{
    (void)state;
    for (int i = MOON_OK; i <= MOON_ECONF; i++)
        assert_string_not_equal(moon_status_name((enum moon_status)i), "unknown status");
    assert_string_equal(moon_status_name((enum moon_status)99), "unknown status");
}

static void a_reason_is_written_and_the_status_handed_on(void **state)
{
    struct moon_error error = {"before"};
    (void)state;
    assert_int_equal(moon_fail(&error, MOON_EIO, "%s: %d", "file", 7), MOON_EIO);
    assert_string_equal(error.text, "file: 7");
    assert_int_equal(moon_fail(NULL, MOON_ENOMEM, "nobody asks"), MOON_ENOMEM);
}

static void a_long_reason_is_cut_and_terminated(void **state)
{
    struct moon_error error;
    (void)state;
    memset(&error, 'x', sizeof error);
    (void)moon_fail(&error, MOON_EIO, "%0*d", 2000, 1); /* the text is what is looked at */
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

/* Standard error of the child is closed: the bug's line belongs to the test. */
static int status_of_a_bug(bool fatal)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none); /* without it only a core file is left behind */
        (void)close(STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL); /* cmocka's handler is not meant for the child */
        moon_bug_is_fatal = fatal;
        _exit(MOON_BUG(1 + 1 == 2) ? 3 : 4);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void a_bug_stops_tests_and_lets_production_go_on(void **state)
{
    (void)state;
    int status = status_of_a_bug(true);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    status = status_of_a_bug(false);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
}

static void no_bug_costs_nothing(void **state)
{
    (void)state;
    assert_false(MOON_BUG(1 + 1 == 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_name),
        cmocka_unit_test(a_reason_is_written_and_the_status_handed_on),
        cmocka_unit_test(a_long_reason_is_cut_and_terminated),
        cmocka_unit_test(a_bug_stops_tests_and_lets_production_go_on),
        cmocka_unit_test(no_bug_costs_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
