/* SPDX-License-Identifier: MIT
 *
 * The alarm over a message: when READY is said, to whom, and how a worker that hangs ends. No test
 * asks how long anything took; what may not come has been waited for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/status.h"
#include "engine/cmd/watch.h"

#define LONG_MS 60000
#define LONG_S  60

static int pair[2];

/* Nothing comes, also not later than it could. */
static void assert_silent(int64_t ms)
{
    struct pollfd one = {.fd = pair[0], .events = POLLIN};
    int64_t end_ms = moon_wire_now_ms() + ms;

    for (int64_t left_ms = ms; left_ms > 0; left_ms = end_ms - moon_wire_now_ms())
        if (poll(&one, 1, (int)left_ms) > 0)
            fail_msg("got a frame, want none");
}

static void assert_ready(void)
{
    struct moon_wire_ready ready;
    struct moon_span payload;
    enum moon_wire_type type;
    const char *reason;

    assert_int_equal(
        moon_wire_receive(pair[0], &type, &payload, NULL, moon_wire_now_ms() + LONG_MS, NULL),
        MOON_WIRE_IO_OK);
    assert_int_equal(type, MOON_WIRE_READY);
    assert_true(moon_wire_get_ready(payload, &ready, &reason));
    assert_int_equal(ready.failure, MOON_WIRE_REJECT);
    assert_int_equal(ready.message_ms, 1234);
    free((char *)(uintptr_t)payload.p);
}

static bool begin(int64_t ready_by_ms)
{
    struct moon_request request = {.ready_by_ms = ready_by_ms};
    return moon_watch_begin(pair[1], &request, LONG_S);
}

static void a_module_that_has_heard_ready_does_not_hear_it_again(void **state)
{
    (void)state;
    assert_true(begin(0));
    moon_watch_say_due();
    assert_int_equal(alarm(0) > 1, true); /* the longest */
    assert_silent(1);
}

static void ready_is_said_at_once_when_it_is_due(void **state)
{
    static const int64_t table[] = {INT64_MIN, -1, 1};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_true(begin(table[i]));
        assert_ready();
    }
    assert_true(begin(moon_wire_now_ms() + 1));
    assert_ready();
    assert_int_equal(alarm(0) > 1, true);
}

/* Whatever the process is busy with. */
static void ready_is_said_when_the_message_takes_long(void **state)
{
    const int64_t table[] = {moon_wire_now_ms() + 60, moon_wire_now_ms() + LONG_MS, INT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct pollfd one = {.fd = pair[0], .events = POLLIN};
        assert_true(begin(table[i]));
        while (poll(&one, 1, 0) == 0)
            ; /* it works */
        assert_ready();
        assert_int_equal(alarm(0) > 1, true); /* then it watches over the rest */
        moon_watch_alarm(0);
        moon_watch_say_due();
        assert_silent(1);
    }
}

static void ready_is_not_said_once_it_is_decided(void **state)
{
    (void)state;
    assert_true(begin(moon_wire_now_ms() + 50));
    moon_watch_forget();
    assert_silent(150);
    assert_true(begin(moon_wire_now_ms() + 50));
    moon_watch_alarm(LONG_S);
    assert_silent(150);
    assert_int_equal(alarm(0) > 1, true);
    moon_watch_alarm(0);
}

static void who_needs_it_said_says_it_once(void **state)
{
    (void)state;
    assert_true(begin(moon_wire_now_ms() + LONG_MS));
    moon_watch_say_due();
    assert_ready();
    assert_silent(250);
    moon_watch_alarm(0);
    assert_true(begin(moon_wire_now_ms() + LONG_MS));
    moon_watch_last_alarm(LONG_S); /* as SIGTERM does */
    assert_ready();
    assert_int_equal(alarm(0) > 1, true);
    assert_silent(250);
}

static void a_module_that_has_gone_is_not_worked_for(void **state)
{
    (void)state;
    assert_int_equal(close(pair[0]), 0);
    assert_false(begin(moon_wire_now_ms() + LONG_MS));
    assert_false(begin(1));
    assert_int_equal(alarm(0), 0);
    assert_false(moon_watch_say_ready(pair[1]));
    pair[0] = -1;
}

static void a_message_without_end_is_ended_after_ready(void **state)
{
    (void)state;
    for (int heard = 0; heard < 2; heard++) {
        struct moon_request request = {.ready_by_ms = heard ? 0 : moon_wire_now_ms() + 60};
        int status = 0;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            if (!moon_watch_begin(pair[1], &request, 1))
                _exit(1);
            for (;;)
                (void)pause(); /* an alarm that ends nothing does not end this */
        }
        if (!heard)
            assert_ready();
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGALRM);
    }
}

static int set_up(void **state)
{
    struct moon_wire_ready ready = {.failure = MOON_WIRE_REJECT, .message_ms = 1234};

    (void)state;
    return moon_watch_open(&ready) &&
                   socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    moon_watch_close();
    if (pair[0] >= 0)
        (void)close(pair[0]);
    return close(pair[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_module_that_has_heard_ready_does_not_hear_it_again),
        TEST(ready_is_said_at_once_when_it_is_due),
        TEST(ready_is_said_when_the_message_takes_long),
        TEST(ready_is_not_said_once_it_is_decided),
        TEST(who_needs_it_said_says_it_once),
        TEST(a_module_that_has_gone_is_not_worked_for),
        TEST(a_message_without_end_is_ended_after_ready),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
