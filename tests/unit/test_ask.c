/* SPDX-License-Identifier: MIT
 *
 * The module without Exim, against workers that misbehave (tests/support/main_fakeworker.c).
 * SIGCHLD is ignored around the calls, as it is in Exim.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/status.h"
#include "tests/support/ask_case.h"

static char log_path[] = "/tmp/moonscan-ask-XXXXXX";

static int fds_open(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void faults_while_a_message_is_decided_give_the_failure_verdict(void **state)
{
    (void)state;
    static const struct {
        const char *mode;
        int64_t ms;
        const char *log;
    } table[] = {
        {"die", LONG_MS, "was ended by signal 9"},
        {"abort", LONG_MS, "was ended by signal 6"},
        {"exit", LONG_MS, "ended with status 4"},
        {"close", LONG_MS, "was stopped by us"},
        {"stop", SHORT_MS, "time was over"},
        {"hang", SHORT_MS, "time was over"},
        {"half", SHORT_MS, "time was over"},
        {"garbage", LONG_MS, "no answer (DECISION is cut"},
        {"oversized", LONG_MS, "no answer (not a frame"},
        {"wrong-type", LONG_MS, "no answer (not DECISION)"},
        {"no-verdict", LONG_MS, "no answer (DECISION has no verdict)"},
        {"bad-index", LONG_MS, "no answer (an index"},
        {"long-data", LONG_MS, "no answer (more text"},
        {"failure", LONG_MS, "(failure verdict): the engine?has no memory"},
    };
    int before = fds_open();
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_ask ask = MOON_ASK_START;
        ask_case_send(&ask, table[i].mode, table[i].ms);
        if (!ask_case_answer.failed || ask_case_answer.verdict != MOON_WIRE_DEFER ||
            !strstr(ask_case_answer.log, table[i].log) ||
            strncmp(ask_case_answer.reply, "4.3.0 ", 6) != 0)
            fail_msg("%s: got %d %d \"%s\", want \"%s\"", table[i].mode, ask_case_answer.failed,
                     ask_case_answer.verdict, ask_case_answer.log, table[i].log);
        assert_int_equal(ask_case_answer.decision.added_count, 0);
        assert_int_equal(ask.worker.pid, 0);
        ask_case_no_child(table[i].mode);
        ask_case_send(&ask, "accept", LONG_MS); /* the next message works */
        if (ask_case_answer.failed)
            fail_msg("after %s: got \"%s\"", table[i].mode, ask_case_answer.log);
        ask_case_end(&ask);
        ask_case_no_child(table[i].mode);
        assert_int_equal(fds_open(), before);
    }
}

/* The engine's own failure is one for the module, too: its setting holds, and an accepted message
 * is marked. The program is the real one; /dev/null is no body that it can read. */
static void a_worker_that_cannot_decide_says_why(void **state)
{
    static const struct {
        uint8_t failure;
        enum moon_wire_verdict want;
    } table[] = {{0, MOON_WIRE_DEFER},
                 {MOON_WIRE_ACCEPT, MOON_WIRE_ACCEPT},
                 {MOON_WIRE_REJECT, MOON_WIRE_REJECT}};
    char real[sizeof ask_case_program];

    (void)state; /* cmocka's, not used */
    (void)snprintf(real, sizeof real, "%.*s/moonscan",
                   (int)(strstr(ask_case_program, "/tests/fakeworker") - ask_case_program),
                   ask_case_program); /* it fits */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_ask ask = MOON_ASK_START;
        struct moon_settings settings = ask_case_settings(LONG_MS);
        settings.program = real;
        settings.failure = table[i].failure;
        ask_case_send_with(&ask, "accept", &settings);
        assert_true(ask_case_answer.failed);
        assert_int_equal(ask_case_answer.verdict, table[i].want);
        if (!strstr(ask_case_answer.log, "(failure verdict): the body's descriptor cannot be used"))
            fail_msg("got \"%s\"", ask_case_answer.log);
        assert_true(ask_case_answer.failure_field.text.n > 0);
        ask_case_end(&ask);
        ask_case_no_child("the real one");
    }
}

static void faults_at_the_start_give_the_failure_verdict(void **state)
{
    (void)state;
    static const struct {
        const char *mode;
        int64_t ms;
        const char *log;
    } table[] = {
        {"silent", SHORT_MS, "starting or deciding when its time was over"},
        {"half-ready", SHORT_MS, "starting or deciding when its time was over"},
        {"dead", LONG_MS, "ended with status 3"},
        {"garbage-ready", LONG_MS, "no answer (not a frame"},
        {"version", LONG_MS, "no answer (not a frame"},
        {"no-failure", LONG_MS, "no answer (READY names no"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_ask ask = MOON_ASK_START;
        assert_int_equal(setenv("MOONSCAN_FAKE", table[i].mode, 1), 0);
        ask_case_send(&ask, "accept", table[i].ms);
        if (!ask_case_answer.failed || ask_case_answer.verdict != MOON_WIRE_DEFER ||
            !strstr(ask_case_answer.log, table[i].log))
            fail_msg("%s: got %d \"%s\", want \"%s\"", table[i].mode, ask_case_answer.failed,
                     ask_case_answer.log, table[i].log);
        assert_int_equal(unsetenv("MOONSCAN_FAKE"), 0);
        ask_case_no_child(table[i].mode);
        ask_case_send(&ask, "accept", LONG_MS);
        assert_false(ask_case_answer.failed);
        ask_case_end(&ask);
    }
}

static void the_failure_verdict_is_the_settings_or_the_workers(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;
    struct moon_settings settings = ask_case_settings(LONG_MS);

    moon_ask_fail(&ask, &settings, "because", &ask_case_answer);
    assert_int_equal(ask_case_answer.verdict, MOON_WIRE_DEFER);
    ask.ready.failure = MOON_WIRE_ACCEPT;
    moon_ask_fail(&ask, &settings, "because", &ask_case_answer);
    assert_int_equal(ask_case_answer.verdict, MOON_WIRE_ACCEPT);
    assert_true(moon_clean_field_ok(ask_case_answer.failure_field.text));
    settings.failure = MOON_WIRE_REJECT;
    moon_ask_fail(&ask, &settings, "because", &ask_case_answer);
    assert_int_equal(ask_case_answer.verdict, MOON_WIRE_REJECT);
    assert_int_equal(strncmp(ask_case_answer.reply, "5.3.0 ", 6), 0);
    assert_string_equal(ask_case_answer.log,
                        "moonscan: not evaluated, rejected with 550 (failure verdict): because");
    ask.ready.failure = 77; /* nothing that is known */
    settings.failure = 0;
    moon_ask_fail(&ask, &settings, "because", &ask_case_answer);
    assert_int_equal(ask_case_answer.verdict, MOON_WIRE_DEFER);

    ask = MOON_ASK_START;
    assert_int_equal(setenv("MOONSCAN_FAKE_FAILURE", "accept", 1), 0);
    ask_case_send(&ask, "die", LONG_MS);
    assert_true(ask_case_answer.failed);
    assert_int_equal(ask_case_answer.verdict, MOON_WIRE_ACCEPT);
    assert_int_equal(unsetenv("MOONSCAN_FAKE_FAILURE"), 0);
    ask_case_end(&ask);
}

static void a_decision_is_handed_over_checked_and_cleaned(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;

    ask_case_send(&ask, "reject", LONG_MS);
    assert_int_equal(ask_case_answer.verdict, MOON_WIRE_REJECT);
    assert_string_equal(ask_case_answer.reply, "5.7.1 Not here\n5.7.1 Ask your provider");
    moon_answer_free(&ask_case_answer);
    ask_case_send(&ask, "freeze", LONG_MS);
    assert_int_equal(ask_case_answer.verdict, MOON_WIRE_FREEZE);
    moon_answer_free(&ask_case_answer);
    ask_case_send(&ask, "headers", LONG_MS);
    assert_int_equal(ask_case_answer.verdict, MOON_WIRE_ACCEPT);
    assert_int_equal(ask_case_answer.decision.added_count, 4);
    assert_int_equal(ask_case_answer.decision.removed_field_count, 1);
    assert_int_equal(ask_case_answer.refused_count, 0);
    assert_string_equal(ask_case_answer.log, "fake: headers");
    moon_answer_free(&ask_case_answer);
    ask_case_send(&ask, "rude", LONG_MS);
    assert_string_equal(ask_case_answer.reply, "5.7.1 fine\n5.7.1 250 really?");
    assert_int_equal(ask_case_answer.decision.added_count, 1);
    assert_true(moon_span_is(ask_case_answer.decision.added[0].text, "X-Good: yes"));
    assert_int_equal(ask_case_answer.refused_count, 2);
    assert_string_equal(ask_case_answer.log, "one?two");
    moon_answer_free(&ask_case_answer);
    ask_case_send(&ask, "data", LONG_MS);
    assert_string_equal(ask_case_answer.data, "q=tenant_a spf=fail");
    moon_answer_free(&ask_case_answer);
    ask_case_send(&ask, "discard-all", LONG_MS);
    assert_int_equal(ask_case_answer.decision.removed_recipient_count, 2);
    moon_answer_free(&ask_case_answer);
    ask_case_send(&ask, "slow", LONG_MS);
    assert_int_equal(ask_case_answer.verdict, MOON_WIRE_ACCEPT);
    assert_false(ask_case_answer.failed);
    ask_case_end(&ask);
}

static void one_worker_serves_a_connection(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;

    ask_case_send(&ask, "accept", LONG_MS);
    pid_t first = ask.worker.pid;
    moon_answer_free(&ask_case_answer);
    ask_case_send(&ask, "accept", LONG_MS);
    assert_int_equal(ask.worker.pid, first);
    assert_false(ask_case_answer.failed);
    ask_case_end(&ask);
}

static void a_worker_that_went_between_two_messages_is_replaced(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;

    ask_case_send(&ask, "accept", LONG_MS);
    moon_answer_free(&ask_case_answer);
    pid_t first = ask.worker.pid;
    assert_int_equal(kill(first, SIGKILL), 0);
    while (kill(first, 0) == 0) /* until the ignored SIGCHLD has let it be reaped */
        (void)usleep(1000);
    ask_case_send(&ask, "accept", LONG_MS);
    assert_false(ask_case_answer.failed);
    assert_int_not_equal(ask.worker.pid, first);
    ask_case_end(&ask);
    ask_case_no_child("a replaced worker");
}

static void an_answer_too_many_is_not_taken_for_the_next_message(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;
    struct pollfd one = {.events = POLLIN};

    ask_case_send(&ask, "twice", LONG_MS);
    assert_false(ask_case_answer.failed);
    moon_answer_free(&ask_case_answer);
    pid_t first = ask.worker.pid;
    one.fd = ask.worker.socket;
    assert_int_equal(poll(&one, 1, LONG_MS), 1); /* the second is there */
    ask_case_send(&ask, "reject", LONG_MS);
    assert_int_equal(ask_case_answer.verdict, MOON_WIRE_REJECT);
    assert_int_not_equal(ask.worker.pid, first);
    ask_case_end(&ask);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
    (void)number;
    alarms++;
}

static void signals_do_not_move_the_deadline(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_alarm}, old;
    struct itimerval often = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};
    struct moon_ask ask = MOON_ASK_START;

    alarms = 0;
    assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    ask_case_send(&ask, "hang", SHORT_MS);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
    assert_true(ask_case_answer.failed);
    assert_non_null(strstr(ask_case_answer.log, "time was over"));
    assert_true(alarms > 0);
    ask_case_no_child("a worker under alarms");
    ask_case_end(&ask);
}

static void signals_and_umask_are_as_before(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;
    struct sigaction now;

    (void)umask(0);
    ask_case_send(&ask, "accept", LONG_MS);
    assert_int_equal(sigaction(SIGCHLD, NULL, &now), 0);
    assert_true(now.sa_handler == SIG_IGN);
    assert_int_equal(umask(022), 0);
    ask_case_end(&ask);
}

static void a_program_that_may_not_be_run_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *program, *log;
    } table[] = {
        {"/nonexistent/moonscan", "/nonexistent/moonscan: No such file"},
        {"/", "it is not a file"},
        {log_path, "others than its owner may write it"},
        {"/etc/passwd", "/etc/passwd: Permission denied"},
    };
    assert_int_equal(chmod(log_path, 0777), 0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_ask ask = MOON_ASK_START;
        struct moon_settings settings = {.program = table[i].program, .timeout_ms = LONG_MS};
        struct moon_request request = {0};
        struct moon_spawn_guard guard;
        int before = fds_open();

        moon_spawn_enter(&guard, &ask.worker);
        moon_ask_message(&ask, &settings, &request, -1, &ask_case_answer);
        moon_spawn_leave(&guard);
        if (!ask_case_answer.failed || !strstr(ask_case_answer.log, table[i].log))
            fail_msg("%s: got \"%s\"", table[i].program, ask_case_answer.log);
        assert_int_equal(fds_open(), before);
    }
    assert_int_equal(chmod(log_path, 0600), 0);
}

static void a_request_above_the_maximum_fails_and_the_worker_stays(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;
    struct moon_settings settings = ask_case_settings(LONG_MS);
    char *big = calloc(1, MOON_WIRE_REQUEST_MAX);
    assert_non_null(big);
    struct moon_wire_field field = {' ', {big, MOON_WIRE_REQUEST_MAX}};
    struct moon_request request = {.fields = &field, .field_count = 1};

    ask_case_send(&ask, "accept", LONG_MS);
    moon_answer_free(&ask_case_answer);
    pid_t first = ask.worker.pid;
    moon_ask_message(&ask, &settings, &request, -1, &ask_case_answer);
    assert_true(ask_case_answer.failed);
    assert_non_null(strstr(ask_case_answer.log, "too large"));
    free(big);
    ask_case_send(&ask, "accept", LONG_MS);
    assert_false(ask_case_answer.failed);
    assert_int_equal(ask.worker.pid, first);
    ask_case_end(&ask);
}

/* Reads the worker's log until `text` is in it; it is written by another process. */
static bool told(const char *text)
{
    static char content[65536];

    for (int i = 0; i < 10000; i++) {
        FILE *file = fopen(log_path, "r");
        assert_non_null(file);
        size_t n = fread(content, 1, sizeof content - 1, file);
        (void)fclose(file); /* was only read */
        content[n] = '\0';
        if (strstr(content, text))
            return true;
        (void)usleep(1000);
    }
    return false;
}

static void the_worker_is_told_what_was_done(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;
    struct moon_applied applied = {MOON_WIRE_ACCEPT, 3, 2, 1, MOON_SPAN("less")};
    struct moon_spawn_guard guard;
    char why[256] = "";

    assert_int_equal(setenv("MOONSCAN_FAKE_LOG", log_path, 1), 0);
    ask_case_send(&ask, "accept", LONG_MS);
    moon_spawn_enter(&guard, &ask.worker);
    assert_true(moon_ask_applied(&ask, &ask_case_answer, &applied, why, sizeof why));
    assert_true(told("applied_verdict=1\napplied_added=3\napplied_fields=2\n"
                     "applied_recipients=1\napplied_text=less\n"));
    assert_true(told("extra_descriptors=0\n"));
    assert_true(told("body_writable=0\n"));
    assert_true(told("waits=nearly 60 s\n"));
    assert_int_equal(kill(ask.worker.pid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)ask.worker.pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
    assert_false(moon_ask_applied(&ask, &ask_case_answer, &applied, why, sizeof why));
    assert_non_null(strstr(why, "was ended by signal 9"));
    moon_spawn_leave(&guard);
    assert_int_equal(unsetenv("MOONSCAN_FAKE_LOG"), 0);
    ask_case_end(&ask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_while_a_message_is_decided_give_the_failure_verdict),
        cmocka_unit_test(a_worker_that_cannot_decide_says_why),
        cmocka_unit_test(faults_at_the_start_give_the_failure_verdict),
        cmocka_unit_test(the_failure_verdict_is_the_settings_or_the_workers),
        cmocka_unit_test(a_decision_is_handed_over_checked_and_cleaned),
        cmocka_unit_test(one_worker_serves_a_connection),
        cmocka_unit_test(a_worker_that_went_between_two_messages_is_replaced),
        cmocka_unit_test(an_answer_too_many_is_not_taken_for_the_next_message),
        cmocka_unit_test(signals_do_not_move_the_deadline),
        cmocka_unit_test(signals_and_umask_are_as_before),
        cmocka_unit_test(a_program_that_may_not_be_run_is_named),
        cmocka_unit_test(a_request_above_the_maximum_fails_and_the_worker_stays),
        cmocka_unit_test(the_worker_is_told_what_was_done),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    if (signal(SIGCHLD, SIG_IGN) == SIG_ERR)
        return 1;
    ask_case_find_program();
    int fd = mkstemp(log_path);
    if (fd < 0)
        return 1;
    (void)close(fd); /* only the name is wanted */
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(log_path); /* ours */
    return failed;
}
