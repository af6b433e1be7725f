/* SPDX-License-Identifier: MIT
 *
 * The module's way to a worker of the service, to one of its own where that does not help, and how
 * many may have one of their own at a time. The service is a child process that speaks the protocol
 * and misbehaves as told; a worker of one's own is tests/support/main_fakeworker.c.
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
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "local_scan/ask.h"
#include "local_scan/service.h"

#define LONG_MS  60000
#define SHORT_MS 900 /* more than the time that a service has to say READY */

static char program[4096], folder[] = "/tmp/moonscan-service-XXXXXX", path[100];
static struct moon_answer answer;
static pid_t service;

enum behaviour {
    DECIDES,       /* says READY, decides */
    CLOSES,        /* READY, takes the message, hangs up */
    CANNOT_START,  /* READY with a trouble */
    LATE,          /* the first to call waits a second */
    SAYS_NONSENSE, /* no READY */
    QUIET,         /* decides without READY */
    STUCK,         /* takes the message and says nothing */
};

/* --- the service: a child process ----------------------------------------------------------------
 */

static void serve_one(int fd, enum behaviour behaviour)
{
    struct moon_wire_ready ready = {.failure = MOON_WIRE_REJECT, .message_ms = 15000};
    struct moon_decision decision = {.verdict = MOON_WIRE_ACCEPT, .log = MOON_SPAN("the service")};
    struct moon_wire_out out = {0};
    struct moon_span payload;
    enum moon_wire_type type;
    int body = -1;

    if (behaviour == LATE)
        (void)usleep(1000000);
    if (behaviour == SAYS_NONSENSE) {
        (void)!write(fd, "HTTP/1.1 200 OK", 15);
        return;
    }
    if (behaviour == CANNOT_START)
        ready.trouble = MOON_SPAN("the snapshot is none");
    if (behaviour != QUIET && behaviour != STUCK &&
        (!moon_wire_put_ready(&out, &ready) ||
         moon_wire_send(fd, &out, -1, moon_wire_now_ms() + LONG_MS) != MOON_WIRE_IO_OK))
        _exit(7);
    moon_wire_out_free(&out);
    while (moon_wire_receive(fd, &type, &payload, &body, moon_wire_now_ms() + LONG_MS, NULL) ==
           MOON_WIRE_IO_OK) {
        free((void *)(uintptr_t)payload.p);
        if (body >= 0)
            (void)close(body);
        if (behaviour == CLOSES)
            return;
        out = (struct moon_wire_out){0};
        if (behaviour != STUCK && type == MOON_WIRE_REQUEST &&
            moon_wire_put_decision(&out, &decision))
            (void)moon_wire_send(fd, &out, -1, moon_wire_now_ms() + LONG_MS);
        moon_wire_out_free(&out);
    }
}

static int listen_at(const char *where)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", where);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 0) != 0)
        fail_msg("%s: %s", where, strerror(errno));
    return fd;
}

static void start_service(enum behaviour behaviour)
{
    int listening = listen_at(path);

    service = fork();
    assert_true(service >= 0);
    for (int fd; service == 0 && (fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        serve_one(fd, behaviour);
        (void)close(fd);
    }
    if (service == 0)
        _exit(0);
    (void)close(listening);
}

static void end_service(void)
{
    if (service > 0) {
        (void)kill(service, SIGKILL);
        (void)waitpid(service, NULL, 0);
    }
    service = 0;
    (void)unlink(path);
}

/* --- the module
 * ----------------------------------------------------------------------------------- */

static void send_one(struct moon_ask *ask, int64_t timeout_ms)
{
    struct moon_span recipient = MOON_SPAN("a@one.example");
    struct moon_request request = {.id = MOON_SPAN("test"),
                                   .recipients = &recipient,
                                   .recipient_count = 1,
                                   .flags = MOON_WIRE_FLAG_BODY};
    struct moon_settings settings = {.program = program, .socket = path, .timeout_ms = timeout_ms};
    struct moon_spawn_guard guard;
    int body = open("/dev/null", O_RDONLY | O_CLOEXEC);

    moon_spawn_enter(&guard, &ask->worker);
    moon_ask_message(ask, &settings, &request, body, &answer);
    moon_spawn_leave(&guard);
    (void)close(body);
}

static void end(struct moon_ask *ask)
{
    struct moon_spawn_guard guard;
    char how[64];

    moon_spawn_enter(&guard, &ask->worker);
    moon_spawn_end(&ask->worker, 0, how, sizeof how);
    moon_spawn_leave(&guard);
    moon_answer_free(&answer);
    if (ask->slot >= 0)
        (void)close(ask->slot);
}

static void expect(const struct moon_ask *ask, bool own, const char *what)
{
    if (answer.failed || answer.verdict != MOON_WIRE_ACCEPT)
        fail_msg("%s: got %d \"%s\", want a decision", what, answer.verdict, answer.log);
    if (own != (ask->worker.pid > 0))
        fail_msg("%s: got worker %ld, want %s", what, (long)ask->worker.pid,
                 own ? "one of our own" : "the service's");
}

static void a_worker_of_the_service_decides_all_messages_of_the_connection(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;
    char why[200];

    start_service(DECIDES);
    for (int i = 0; i < 3; i++) {
        moon_answer_free(&answer);
        send_one(&ask, LONG_MS);
        expect(&ask, false, "message");
        assert_string_equal(answer.log, "the service");
        assert_true(
            moon_ask_applied(&ask, &answer, &(struct moon_applied){.verdict = 1}, why, sizeof why));
    }
    assert_int_equal(ask.ready.failure, MOON_WIRE_REJECT);
    assert_int_equal(ask.slot, -1);
    end(&ask);
    end_service();
}

/* Exim's signal handling is put aside for a process of ours only. */
static void with_a_worker_of_the_service_signals_are_left_alone(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;
    struct moon_spawn_guard guard;
    struct sigaction now;
    char why[200];

    start_service(DECIDES);
    void (*before)(int) = signal(SIGCHLD, SIG_IGN);
    for (int own = 0; own < 2; own++) {
        moon_spawn_enter(&guard, &ask.worker);
        struct moon_settings settings = {
            .program = program, .socket = own ? NULL : path, .timeout_ms = LONG_MS};
        moon_ask_message(&ask, &settings, &(struct moon_request){.id = MOON_SPAN("test")}, -1,
                         &answer);
        assert_false(answer.failed);
        assert_int_equal(sigaction(SIGCHLD, NULL, &now), 0);
        assert_true(now.sa_handler == (own ? SIG_DFL : SIG_IGN));
        moon_spawn_end(&ask.worker, 0, why, sizeof why);
        moon_spawn_leave(&guard);
        assert_int_equal(sigaction(SIGCHLD, NULL, &now), 0);
        assert_true(now.sa_handler == SIG_IGN);
        end(&ask);
    }
    (void)signal(SIGCHLD, before);
    end_service();
}

static void a_worker_of_the_service_need_not_say_ready(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;

    start_service(QUIET);
    for (int i = 0; i < 2; i++) {
        moon_answer_free(&answer);
        send_one(&ask, LONG_MS);
        expect(&ask, false, "no READY");
        assert_false(ask.heard);
    }
    end(&ask);
    end_service();
}

static void a_service_whose_worker_is_stuck_with_the_message_is_left_after_a_moment(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;

    start_service(STUCK);
    send_one(&ask, LONG_MS);
    expect(&ask, true, "stuck");
    assert_true(ask.slot >= 0);
    end(&ask);
    end_service();
}

static void without_a_service_the_module_starts_a_worker(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;

    send_one(&ask, LONG_MS);
    expect(&ask, true, "no socket");
    end(&ask);
    (void)close(listen_at(path)); /* its end leaves the file */
    ask = MOON_ASK_START;
    send_one(&ask, LONG_MS);
    expect(&ask, true, "a socket that nobody listens on");
    assert_int_equal(ask.slot, -1);
    end(&ask);
    (void)unlink(path);
}

static void a_service_that_misbehaves_is_left_for_a_worker_of_our_own(void **state)
{
    (void)state;
    static const enum behaviour table[] = {CLOSES, CANNOT_START, SAYS_NONSENSE};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_ask ask = MOON_ASK_START;
        start_service(table[i]);
        send_one(&ask, LONG_MS);
        expect(&ask, true, "a service that misbehaves");
        end(&ask);
        end_service();
    }
}

static void when_the_service_ends_between_two_messages_our_own_worker_goes_on(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;

    start_service(DECIDES);
    send_one(&ask, LONG_MS);
    expect(&ask, false, "before");
    end_service();
    moon_answer_free(&answer);
    send_one(&ask, LONG_MS);
    expect(&ask, true, "after");
    end(&ask);
}

static void a_service_without_a_free_worker_is_left_after_a_moment_by_a_few(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;
    int listening = listen_at(path); /* nobody accepts */

    send_one(&ask, LONG_MS);
    expect(&ask, true, "no worker free");
    assert_true(ask.slot >= 0);
    end(&ask);
    (void)close(listening);
    (void)unlink(path);
}

/* A child that holds all slots until it is killed. */
static pid_t hold_slots(void)
{
    int held[2];
    char byte;

    assert_int_equal(pipe(held), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1000};
        int fd = open("moonscan.slots", O_RDWR | O_CREAT, 0600);
        (void)!write(held[1], fcntl(fd, F_SETLK, &all) == 0 ? "y" : "n", 1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(held[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    (void)close(held[0]);
    (void)close(held[1]);
    return pid;
}

static void end_child(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static void when_many_have_left_it_already_the_rest_waits_for_the_service(void **state)
{
    (void)state;
    struct moon_ask ask = MOON_ASK_START;
    pid_t holder = hold_slots();

    start_service(LATE);
    send_one(&ask, LONG_MS);
    expect(&ask, false, "late");
    end(&ask);
    end_service();

    int listening = listen_at(path); /* nobody accepts */
    ask = MOON_ASK_START;
    send_one(&ask, SHORT_MS);
    if (!answer.failed || answer.verdict != MOON_WIRE_DEFER ||
        !strstr(answer.log, "has no worker free"))
        fail_msg("got %d \"%s\", want the failure verdict", answer.failed, answer.log);
    assert_int_equal(ask.worker.socket, -1);
    end(&ask);
    (void)close(listening);
    (void)unlink(path);
    end_child(holder);
}

static void there_are_eight_slots_and_each_goes_with_its_process(void **state)
{
    (void)state;
    pid_t holders[8];
    int ready[2];
    char byte;

    assert_int_equal(pipe(ready), 0);
    for (size_t i = 0; i < 8; i++) {
        holders[i] = fork();
        if (holders[i] == 0) {
            (void)!write(ready[1], moon_service_slot() >= 0 ? "y" : "n", 1);
            for (;;)
                (void)pause();
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        assert_int_equal(byte, 'y');
    }
    assert_int_equal(moon_service_slot(), -1);
    end_child(holders[3]);
    int slot = moon_service_slot();
    assert_true(slot >= 0);
    (void)close(slot);
    for (size_t i = 0; i < 8; i++)
        if (i != 3)
            end_child(holders[i]);
}

static int set_up(void **state)
{
    (void)state;
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 32);
    if (n <= 0 || !mkdtemp(folder) || chdir(folder) != 0)
        return -1;
    program[n] = '\0';
    for (int i = 0; i < 2; i++) /* the fake worker is built beside the folder of this program */
        *strrchr(program, '/') = '\0';
    (void)strcat(program, "/fakeworker"); /* there is room */
    (void)snprintf(path, sizeof path, "%s/scan.sock", folder);
    return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    end_service();
    (void)unlink("moonscan.slots"); /* may never have been made */
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_of_the_service_decides_all_messages_of_the_connection),
        cmocka_unit_test(with_a_worker_of_the_service_signals_are_left_alone),
        cmocka_unit_test(a_worker_of_the_service_need_not_say_ready),
        cmocka_unit_test(a_service_whose_worker_is_stuck_with_the_message_is_left_after_a_moment),
        cmocka_unit_test(without_a_service_the_module_starts_a_worker),
        cmocka_unit_test(a_service_that_misbehaves_is_left_for_a_worker_of_our_own),
        cmocka_unit_test(when_the_service_ends_between_two_messages_our_own_worker_goes_on),
        cmocka_unit_test(a_service_without_a_free_worker_is_left_after_a_moment_by_a_few),
        cmocka_unit_test(when_many_have_left_it_already_the_rest_waits_for_the_service),
        cmocka_unit_test(there_are_eight_slots_and_each_goes_with_its_process),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
