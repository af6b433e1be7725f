/* SPDX-License-Identifier: MIT
 *
 * ask.c: REQUEST before READY, workers that say READY late or never, and modules of an older
 * release.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/status.h"
#include "tests/support/ask_case.h"

/* REQUEST is there when the worker begins: it need not say READY. */
static void a_worker_that_is_not_heard_of_before_it_decides(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;

    assert_int_equal(setenv("MOONSCAN_FAKE", "quiet", 1), 0);
    ask_case_send(&ask, "headers", LONG_MS);
    assert_false(ask_case_answer.failed);
    assert_int_equal(ask_case_answer.decision.added_count, 4);
    assert_false(ask.heard);
    pid_t first = ask.worker.pid;
    for (int i = 0; i < 2; i++) {
        moon_answer_free(&ask_case_answer);
        ask_case_send(&ask, "ready", LONG_MS);
        assert_int_equal(ask_case_answer.failed, i); /* READY a second time is no answer */
        if (i == 0) {
            assert_true(ask.heard);
            assert_int_equal(ask.ready.message_ms, 5000);
            assert_int_equal(ask.worker.pid, first);
        }
    }
    assert_non_null(strstr(ask_case_answer.log, "no answer (not DECISION)"));
    ask_case_end(&ask);
    assert_int_equal(unsetenv("MOONSCAN_FAKE"), 0);
    ask_case_no_child("a quiet worker");
}

/* The failure verdict would have stood in READY: another worker says it, and stays for the next
 * message. */
static void a_worker_that_dies_unheard_of_has_its_failure_verdict(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;
    struct moon_settings settings = ask_case_settings(LONG_MS);

    assert_int_equal(setenv("MOONSCAN_FAKE", "quiet", 1), 0);
    assert_int_equal(setenv("MOONSCAN_FAKE_FAILURE", "accept", 1), 0);
    ask_case_send(&ask, "die", LONG_MS);
    assert_true(ask_case_answer.failed);
    assert_int_equal(ask_case_answer.verdict, MOON_WIRE_ACCEPT);
    assert_non_null(strstr(ask_case_answer.log, "starting or deciding and was ended by signal 9"));
    pid_t second = ask.worker.pid;
    assert_true(second > 0);
    ask_case_send(&ask, "accept", LONG_MS);
    assert_false(ask_case_answer.failed);
    assert_int_equal(ask.worker.pid, second);
    ask_case_end(&ask);
    ask = MOON_ASK_START;
    settings.failure = MOON_WIRE_REJECT; /* there is nothing to learn */
    ask_case_send_with(&ask, "die", &settings);
    assert_int_equal(ask_case_answer.verdict, MOON_WIRE_REJECT);
    assert_int_equal(ask.worker.pid, 0);
    assert_int_equal(unsetenv("MOONSCAN_FAKE_FAILURE"), 0);
    assert_int_equal(unsetenv("MOONSCAN_FAKE"), 0);
    ask_case_no_child("a worker that died unheard of");
}

/* As a module of an older release does: the real program says READY when it is not asked at once.
 */
static void a_module_that_waits_for_ready_hears_it(void **state)
{
    (void)state;
    struct moon_settings settings = ask_case_settings(LONG_MS);
    struct moon_request request = {.id = MOON_SPAN("test")};
    struct moon_spawn worker = {0, -1};
    struct moon_spawn_guard guard;
    struct moon_wire_out out = {0};
    struct moon_wire_ready ready;
    struct moon_span payload;
    enum moon_wire_type type;
    char real[sizeof ask_case_program], text[256];
    const char *reason;

    (void)snprintf(real, sizeof real, "%.*s/moonscan",
                   (int)(strstr(ask_case_program, "/tests/fakeworker") - ask_case_program),
                   ask_case_program); /* it fits */
    settings.program = real;
    moon_spawn_enter(&guard, &worker);
    assert_true(moon_spawn_start(&worker, &settings, text, sizeof text));
    int64_t deadline_ms = moon_wire_now_ms() + LONG_MS;
    assert_int_equal(moon_wire_receive(worker.socket, &type, &payload, NULL, deadline_ms, NULL),
                     MOON_WIRE_IO_OK);
    assert_int_equal(type, MOON_WIRE_READY);
    assert_true(moon_wire_get_ready(payload, &ready, &reason));
    assert_true(ready.message_ms > 0);
    free((char *)(uintptr_t)payload.p);
    assert_true(moon_wire_put_request(&out, &request));
    assert_int_equal(moon_wire_send(worker.socket, &out, -1, deadline_ms), MOON_WIRE_IO_OK);
    assert_int_equal(moon_wire_receive(worker.socket, &type, &payload, NULL, deadline_ms, NULL),
                     MOON_WIRE_IO_OK);
    assert_int_equal(type, MOON_WIRE_DECISION);
    free((char *)(uintptr_t)payload.p);
    moon_wire_out_free(&out);
    moon_spawn_end(&worker, 0, text, sizeof text);
    moon_spawn_leave(&guard);
    ask_case_no_child("the real one");
}

/* What the worker was told last. */
static void assert_told(const char *path, const char *text)
{
    char content[8192];
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    size_t n = fread(content, 1, sizeof content - 1, file);
    (void)fclose(file); /* was only read */
    content[n] = '\0';
    if (!strstr(content, text))
        fail_msg("got \"%s\", want \"%s\"", content, text);
    assert_int_equal(truncate(path, 0), 0);
}

/* It does not know yet how long that will be, unless it has been set. */
static void a_module_that_has_not_heard_ready_says_that_it_adapts(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;
    char path[] = "/tmp/moonscan-ready-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    (void)close(fd); /* only the name is wanted */
    assert_int_equal(setenv("MOONSCAN_FAKE", "quiet", 1), 0);
    assert_int_equal(setenv("MOONSCAN_FAKE_LOG", path, 1), 0);
    ask_case_send(&ask, "accept", LONG_MS);
    assert_told(path, "flags=2\n");
    moon_answer_free(&ask_case_answer);
    ask_case_send(&ask, "ready", 0);
    assert_told(path, "flags=10\n");
    moon_answer_free(&ask_case_answer);
    ask_case_send(&ask, "accept", 0);
    assert_told(path, "flags=2\n");
    assert_int_equal(unsetenv("MOONSCAN_FAKE_LOG"), 0);
    assert_int_equal(unsetenv("MOONSCAN_FAKE"), 0);
    ask_case_end(&ask);
    (void)unlink(path); /* ours */
}

static void the_module_waits_longer_than_the_worker_wants_and_not_for_ever(void **state)
{
    static const struct {
        uint32_t message_ms;
        int64_t want_ms;
    } table[] = {{0, 30000},       {1, 30000},       {28000, 30000},      {28001, 30001},
                 {100000, 102000}, {238001, 240000}, {UINT32_MAX, 240000}};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(moon_wire_waits_ms(table[i].message_ms), table[i].want_ms);
    /* What READY will ask for counts where the module has not heard it and nobody has set a time.
     */
    struct moon_request request = {.waited_ms = 29000};
    assert_int_equal(moon_wire_waited_ms(&request, 58000), 29000);
    request.flags = MOON_WIRE_FLAG_ADAPTS;
    assert_int_equal(moon_wire_waited_ms(&request, 10000), 29000);
    assert_int_equal(moon_wire_waited_ms(&request, 58000), 59000);
    request.waited_ms = UINT32_MAX;
    assert_int_equal(moon_wire_waited_ms(&request, 58000), UINT32_MAX);
}

static void a_large_request_waits_for_ready(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;
    struct moon_settings settings = ask_case_settings(LONG_MS);
    static char big[1024 * 1024];
    struct moon_wire_field field = {' ', {big, sizeof big}};
    struct moon_request request = {.fields = &field, .field_count = 1};
    struct moon_spawn_guard guard;

    memset(big, 'x', sizeof big);
    assert_int_equal(setenv("MOONSCAN_FAKE", "quiet", 1), 0);
    moon_spawn_enter(&guard, &ask.worker);
    moon_ask_message(&ask, &settings, &request, -1, &ask_case_answer);
    moon_spawn_leave(&guard);
    assert_int_equal(unsetenv("MOONSCAN_FAKE"), 0);
    assert_true(ask.heard);
    if (strstr(ask_case_answer.log, "not evaluated"))
        fail_msg("got \"%s\"", ask_case_answer.log);
    ask_case_end(&ask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_that_is_not_heard_of_before_it_decides),
        cmocka_unit_test(a_worker_that_dies_unheard_of_has_its_failure_verdict),
        cmocka_unit_test(a_module_that_waits_for_ready_hears_it),
        cmocka_unit_test(a_module_that_has_not_heard_ready_says_that_it_adapts),
        cmocka_unit_test(the_module_waits_longer_than_the_worker_wants_and_not_for_ever),
        cmocka_unit_test(a_large_request_waits_for_ready),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    if (signal(SIGCHLD, SIG_IGN) == SIG_ERR)
        return 1;
    ask_case_find_program();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
