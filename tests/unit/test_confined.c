/* SPDX-License-Identifier: MIT
 *
 * confined: what a part of the command line that runs other people's policies can still do.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/budget.h"
#include "engine/cmd/confined.h"

static char heard[65536];
static size_t heard_bytes;

static void take(void *context, struct moon_span bytes)
{
    (void)context; /* a static */
    assert_true(heard_bytes + bytes.n < sizeof heard);
    memcpy(heard + heard_bytes, bytes.p, bytes.n);
    heard_bytes += bytes.n;
    heard[heard_bytes] = '\0';
}

static enum moon_status run(int (*body)(void *, FILE *), int *code_r, struct moon_error *error)
{
    const struct moon_confined confined = {
        .body = body, .take = take, .ms = 3000, .output_max = 4000, .memory_room = 1 << 20};
    heard_bytes = 0;
    heard[0] = '\0';
    error->text[0] = '\0';
    return moon_confined_run(&confined, code_r, error);
}

static int try_everything(void *context, FILE *out)
{
    (void)context; /* nothing is needed */
    if (geteuid() == 0 || getuid() == 0)
        (void)fprintf(out, "root; ");
    if (setuid(0) == 0 && geteuid() == 0)
        (void)fprintf(out, "root again; ");
    if (open("/etc/passwd", O_RDONLY) >= 0)
        (void)fprintf(out, "a file; ");
    if (socket(AF_INET, SOCK_DGRAM, 0) >= 0)
        (void)fprintf(out, "a socket; ");
    if (dup(1) >= 0)
        (void)fprintf(out, "a descriptor; ");
    (void)fprintf(out, "done");
    return 7;
}

static void it_is_nobody_and_can_open_nothing(void **state)
{
    struct moon_error error;
    int code = -1;
    int secret = open("/dev/null", O_RDONLY); /* a descriptor of the caller's is closed */
    (void)state;                              /* cmocka's, not used */
    if (run(try_everything, &code, &error) != MOON_OK)
        fail_msg("%s", error.text);
    assert_string_equal(heard, getuid() ? heard : "done");
    assert_non_null(strstr(heard, "done"));
    assert_null(strstr(heard, "a "));
    assert_int_equal(code, 7);
    assert_int_equal(close(secret), 0);
}

static int loop(void *context, FILE *out)
{
    (void)context;
    (void)fprintf(out, "begin");
    (void)fflush(out);
    while (moon_clock_ms() > 0) {
    }
    return 0;
}

static void one_that_never_ends_is_ended(void **state)
{
    struct moon_error error;
    int code = -1;
    (void)state;
    assert_int_equal(run(loop, &code, &error), MOON_EBUDGET);
    assert_string_equal(error.text, "policies and their tests took longer than 3 s");
    assert_string_equal(heard, "begin");
}

static int flood(void *context, FILE *out)
{
    (void)context;
    for (;;)
        if (fprintf(out, "more and more\n") < 0)
            return 0;
}

static void one_that_says_too_much_is_ended(void **state)
{
    struct moon_error error;
    int code = -1;
    (void)state;
    assert_int_equal(run(flood, &code, &error), MOON_EBUDGET);
    assert_string_equal(error.text, "policies and their tests said more than 4000 bytes");
}

static int die(void *context, FILE *out)
{
    (void)context;
    (void)out;
    (void)raise(SIGKILL);
    return 0;
}

static void one_that_dies_is_told(void **state)
{
    struct moon_error error;
    int code = -1;
    (void)state;
    assert_int_equal(run(die, &code, &error), MOON_EIO);
    assert_non_null(strstr(error.text, "died of signal 9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_nobody_and_can_open_nothing),
        cmocka_unit_test(one_that_never_ends_is_ended),
        cmocka_unit_test(one_that_says_too_much_is_ended),
        cmocka_unit_test(one_that_dies_is_told),
    };
    moon_bug_is_fatal = true;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
