/* SPDX-License-Identifier: MIT
 *
 * Frames over a socket: descriptors, deadlines, peers that are slow, silent or gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/status.h"
#include "engine/wire/wire.h"

#define SOON_MS 20
#define LONG_MS 20000

static int64_t in_ms(int64_t ms)
{
    return moon_wire_now_ms() + ms;
}

static void make_pair(int pair[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
}

static void put_ready(struct moon_wire_out *out)
{
    struct moon_wire_ready ready = {.failure = MOON_WIRE_DEFER, .message_ms = 7};
    assert_true(moon_wire_put_ready(out, &ready));
}

static void put_request(struct moon_wire_out *out)
{
    struct moon_request request = {.id = MOON_SPAN("id")};
    assert_true(moon_wire_put_request(out, &request));
}

static void drop(struct moon_span span)
{
    free((char *)(uintptr_t)span.p);
}

static int fds_open(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void a_frame_and_its_descriptor_arrive(void **state)
{
    (void)state;
    struct moon_wire_out out = {0};
    struct moon_span payload;
    enum moon_wire_type type;
    int pair[2], fd = -1;

    make_pair(pair);
    int file = memfd_create("body", MFD_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(write(file, "hello", 5), 5);
    put_request(&out);
    assert_int_equal(moon_wire_send(pair[0], &out, file, in_ms(LONG_MS)), MOON_WIRE_IO_OK);
    assert_int_equal(moon_wire_receive(pair[1], &type, &payload, &fd, in_ms(LONG_MS), NULL),
                     MOON_WIRE_IO_OK);
    assert_int_equal(type, MOON_WIRE_REQUEST);
    assert_int_equal(payload.n, out.length - MOON_WIRE_HEAD_BYTES);
    assert_true(fd >= 0 && fd != file);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    char bytes[5];
    assert_int_equal(pread(fd, bytes, 5, 0), 5);
    assert_memory_equal(bytes, "hello", 5);
    drop(payload);

    assert_int_equal(moon_wire_send(pair[0], &out, -1, in_ms(LONG_MS)), MOON_WIRE_IO_OK);
    (void)close(fd);
    assert_int_equal(moon_wire_receive(pair[1], &type, &payload, &fd, in_ms(LONG_MS), NULL),
                     MOON_WIRE_IO_OK);
    assert_int_equal(fd, -1);
    drop(payload);
    (void)close(file);
    (void)close(pair[0]);
    (void)close(pair[1]);
    moon_wire_out_free(&out);
}

static void two_frames_in_one_go_are_two_frames(void **state)
{
    (void)state;
    struct moon_wire_out out = {0};
    struct moon_span payload;
    enum moon_wire_type type;
    int pair[2];

    make_pair(pair);
    put_ready(&out);
    for (int i = 0; i < 2; i++)
        assert_int_equal(send(pair[0], out.bytes, out.length, 0), out.length);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(moon_wire_receive(pair[1], &type, &payload, NULL, in_ms(LONG_MS), NULL),
                         MOON_WIRE_IO_OK);
        assert_int_equal(type, MOON_WIRE_READY);
        drop(payload);
    }
    (void)close(pair[0]);
    assert_int_equal(moon_wire_receive(pair[1], &type, &payload, NULL, in_ms(LONG_MS), NULL),
                     MOON_WIRE_IO_CLOSED);
    (void)close(pair[1]);
    moon_wire_out_free(&out);
}

/* Runs `act` in a child that has pair[0]; the parent keeps pair[1]. */
static pid_t in_child(int pair[2], void (*act)(int socket, const struct moon_wire_out *out),
                      const struct moon_wire_out *out)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(pair[1]);
        act(pair[0], out);
        _exit(0);
    }
    (void)close(pair[0]);
    return pid;
}

static void reap(pid_t pid)
{
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void send_byte_by_byte(int socket, const struct moon_wire_out *out)
{
    for (size_t i = 0; i < out->length; i++) {
        if (send(socket, out->bytes + i, 1, 0) != 1)
            _exit(1);
        (void)usleep(500); /* a short nap is all that is wanted */
    }
}

static void a_peer_that_sends_byte_by_byte_is_understood(void **state)
{
    (void)state;
    struct moon_wire_out out = {0};
    struct moon_span payload;
    enum moon_wire_type type;
    int pair[2];

    make_pair(pair);
    put_request(&out);
    pid_t pid = in_child(pair, send_byte_by_byte, &out);
    assert_int_equal(moon_wire_receive(pair[1], &type, &payload, NULL, in_ms(LONG_MS), NULL),
                     MOON_WIRE_IO_OK);
    assert_memory_equal(payload.p, out.bytes + MOON_WIRE_HEAD_BYTES, payload.n);
    drop(payload);
    reap(pid);
    (void)close(pair[1]);
    moon_wire_out_free(&out);
}

static void read_slowly(int socket, const struct moon_wire_out *out)
{
    struct moon_span payload;
    enum moon_wire_type type;

    (void)usleep(20000); /* a nap, so that the sender's buffer is full first */
    if (moon_wire_receive(socket, &type, &payload, NULL, in_ms(LONG_MS), NULL) != MOON_WIRE_IO_OK)
        _exit(1);
    _exit(payload.n == out->length - MOON_WIRE_HEAD_BYTES &&
                  memcmp(payload.p, out->bytes + MOON_WIRE_HEAD_BYTES, payload.n) == 0
              ? 0
              : 2);
}

static void put_large(struct moon_wire_out *out)
{
    size_t n = 3 * 1024 * 1024;
    char *text = malloc(n);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)(i * 31 >> 3);
    struct moon_wire_field field = {' ', {text, n}};
    struct moon_request request = {.fields = &field, .field_count = 1};
    assert_true(moon_wire_put_request(out, &request));
    free(text);
}

static void a_frame_larger_than_the_sockets_buffer_arrives(void **state)
{
    (void)state;
    struct moon_wire_out out = {0};
    int pair[2], status = -1;

    make_pair(pair);
    put_large(&out);
    pid_t pid = in_child(pair, read_slowly, &out);
    assert_int_equal(moon_wire_send(pair[1], &out, -1, in_ms(LONG_MS)), MOON_WIRE_IO_OK);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    (void)close(pair[1]);
    moon_wire_out_free(&out);
}

static void the_deadline_ends_both_ways(void **state)
{
    (void)state;
    struct moon_wire_out out = {0};
    struct moon_span payload = {"x", 1};
    enum moon_wire_type type;
    int pair[2], fd = 5;

    make_pair(pair);
    assert_int_equal(moon_wire_receive(pair[1], &type, &payload, &fd, in_ms(SOON_MS), NULL),
                     MOON_WIRE_IO_TIMEOUT);
    assert_null(payload.p);
    assert_int_equal(fd, -1);
    assert_int_equal(moon_wire_receive(pair[1], &type, &payload, &fd, 0, NULL),
                     MOON_WIRE_IO_TIMEOUT);
    put_ready(&out);
    assert_int_equal(send(pair[0], out.bytes, out.length - 1, 0), out.length - 1);
    assert_int_equal(moon_wire_receive(pair[1], &type, &payload, &fd, in_ms(SOON_MS), NULL),
                     MOON_WIRE_IO_TIMEOUT);
    put_large(&out);
    assert_int_equal(moon_wire_send(pair[0], &out, -1, in_ms(SOON_MS)), MOON_WIRE_IO_TIMEOUT);
    (void)close(pair[0]);
    (void)close(pair[1]);
    moon_wire_out_free(&out);
}

static void a_peer_that_is_gone_is_no_signal(void **state)
{
    (void)state;
    struct moon_wire_out out = {0};
    struct moon_span payload;
    enum moon_wire_type type;
    int pair[2];

    make_pair(pair);
    put_ready(&out);
    assert_int_equal(send(pair[0], out.bytes, out.length - 1, 0), out.length - 1);
    (void)close(pair[0]);
    assert_int_equal(moon_wire_receive(pair[1], &type, &payload, NULL, in_ms(LONG_MS), NULL),
                     MOON_WIRE_IO_CLOSED);
    assert_int_equal(moon_wire_send(pair[1], &out, -1, in_ms(LONG_MS)), MOON_WIRE_IO_CLOSED);
    (void)close(pair[1]);
    assert_int_equal(moon_wire_send(pair[1], &out, -1, in_ms(LONG_MS)), MOON_WIRE_IO_BAD);
    moon_wire_out_free(&out);
}

/* A DECISION that nobody has read is told from one that was. */
static void a_peer_that_is_gone_without_reading_is_told(void **state)
{
    (void)state;
    struct moon_wire_out out = {0};
    struct moon_span payload;
    enum moon_wire_type type;

    put_ready(&out);
    for (int reads = 0; reads < 2; reads++) {
        int pair[2];
        make_pair(pair);
        assert_false(moon_wire_is_over(pair[1]));
        assert_int_equal(moon_wire_wait(pair[1], in_ms(SOON_MS), NULL), MOON_WIRE_IO_TIMEOUT);
        assert_int_equal(moon_wire_send(pair[1], &out, -1, in_ms(LONG_MS)), MOON_WIRE_IO_OK);
        if (reads) {
            assert_int_equal(
                moon_wire_receive(pair[0], &type, &payload, NULL, in_ms(LONG_MS), NULL),
                MOON_WIRE_IO_OK);
            drop(payload);
        }
        assert_int_equal(moon_wire_send(pair[0], &out, -1, in_ms(LONG_MS)), MOON_WIRE_IO_OK);
        assert_false(moon_wire_is_over(pair[1]));
        (void)close(pair[0]);
        assert_true(moon_wire_is_over(pair[1]));
        assert_int_equal(moon_wire_wait(pair[1], in_ms(LONG_MS), NULL), MOON_WIRE_IO_OK);
        assert_int_equal(moon_wire_receive(pair[1], &type, &payload, NULL, in_ms(LONG_MS), NULL),
                         MOON_WIRE_IO_OK); /* what it has said first */
        drop(payload);
        assert_int_equal(moon_wire_receive(pair[1], &type, &payload, NULL, in_ms(LONG_MS), NULL),
                         reads ? MOON_WIRE_IO_CLOSED : MOON_WIRE_IO_UNREAD);
        (void)close(pair[1]);
    }
    moon_wire_out_free(&out);
}

static void bytes_that_are_no_frame_are_refused(void **state)
{
    (void)state;
    struct moon_span payload;
    enum moon_wire_type type;
    int pair[2];

    make_pair(pair);
    assert_int_equal(send(pair[0], "HTTP/1.1 200 OK", 15, 0), 15);
    assert_int_equal(moon_wire_receive(pair[1], &type, &payload, NULL, in_ms(LONG_MS), NULL),
                     MOON_WIRE_IO_BAD);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static void send_with_fds(int socket, const void *bytes, size_t n, const int *fds, size_t count)
{
    char control[CMSG_SPACE(16 * sizeof(int))] = {0};
    struct iovec part = {(void *)(uintptr_t)bytes, n};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control};
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(head), fds, count * sizeof(int));
    assert_int_equal(sendmsg(socket, &message, 0), n);
}

static void descriptors_that_are_not_wanted_are_closed(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        bool request, wants;
        size_t first, second; /* descriptors with the first byte, and with the rest */
        enum moon_wire_io want;
    } table[] = {
        {"one", true, true, 1, 0, MOON_WIRE_IO_OK},
        {"one, later", true, true, 0, 1, MOON_WIRE_IO_OK},
        {"two", true, true, 2, 0, MOON_WIRE_IO_BAD},
        {"one and one", true, true, 1, 1, MOON_WIRE_IO_BAD},
        {"more than there is room for", true, true, 9, 0, MOON_WIRE_IO_BAD},
        {"one to a side that takes none", true, false, 1, 0, MOON_WIRE_IO_BAD},
        {"one with READY", false, true, 1, 0, MOON_WIRE_IO_BAD},
    };
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(null >= 0);
    int fds[9] = {null, null, null, null, null, null, null, null, null};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct moon_wire_out out = {0};
        struct moon_span payload;
        enum moon_wire_type type;
        int pair[2], fd = -1, before = fds_open();

        make_pair(pair);
        if (table[i].request)
            put_request(&out);
        else
            put_ready(&out);
        if (table[i].first)
            send_with_fds(pair[0], out.bytes, 1, fds, table[i].first);
        else
            assert_int_equal(send(pair[0], out.bytes, 1, 0), 1);
        if (table[i].second)
            send_with_fds(pair[0], out.bytes + 1, out.length - 1, fds, table[i].second);
        else
            assert_int_equal(send(pair[0], out.bytes + 1, out.length - 1, 0), out.length - 1);
        enum moon_wire_io got = moon_wire_receive(
            pair[1], &type, &payload, table[i].wants ? &fd : NULL, in_ms(LONG_MS), NULL);
        if (got != table[i].want || (fd >= 0) != (table[i].want == MOON_WIRE_IO_OK))
            fail_msg("%s: got %d, fd %d, want %d", table[i].what, got, fd, table[i].want);
        if (fd >= 0)
            (void)close(fd);
        drop(payload);
        (void)close(pair[0]);
        (void)close(pair[1]);
        moon_wire_out_free(&out);
        if (fds_open() != before)
            fail_msg("%s: got %d descriptors, want %d", table[i].what, fds_open(), before);
    }
    (void)close(null);
}

static volatile int interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static void a_signal_ends_the_endless_wait_only_when_asked(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_signal}, old;
    struct moon_span payload;
    enum moon_wire_type type;
    int pair[2];

    make_pair(pair);
    interrupted = 0;
    assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
    (void)ualarm(SOON_MS * 1000, 0);
    assert_int_equal(moon_wire_receive(pair[1], &type, &payload, NULL, -1, &interrupted),
                     MOON_WIRE_IO_CLOSED);
    assert_int_equal(interrupted, 1);
    interrupted = 0;
    (void)ualarm(SOON_MS * 1000, 0);
    assert_int_equal(moon_wire_receive(pair[1], &type, &payload, NULL, in_ms(4 * SOON_MS), NULL),
                     MOON_WIRE_IO_TIMEOUT);
    assert_int_equal(interrupted, 1);
    assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

/* The child interrupts when a part of the frame has been taken, and then sends the rest. */
static void interrupt_in_the_middle(int socket, const struct moon_wire_out *out, size_t part)
{
    int unread = 1;

    if (write(socket, out->bytes, part) != (ssize_t)part)
        _exit(1);
    while (unread > 0 && ioctl(socket, SIOCOUTQ, &unread) == 0)
        (void)usleep(1000); /* a short nap is all that is wanted */
    if (kill(getppid(), SIGALRM) != 0 ||
        write(socket, out->bytes + part, out->length - part) != (ssize_t)(out->length - part))
        _exit(1);
    _exit(0);
}

static void a_frame_that_has_begun_is_not_lost_by_a_signal(void **state)
{
    (void)state;
    static const size_t parts[] = {1, MOON_WIRE_HEAD_BYTES, MOON_WIRE_HEAD_BYTES + 1};
    struct sigaction action = {.sa_handler = on_signal}, old;
    struct moon_applied applied = {.verdict = MOON_WIRE_ACCEPT};
    struct moon_wire_out out = {0};

    assert_true(moon_wire_put_applied(&out, &applied));
    assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct moon_span payload;
        enum moon_wire_type type;
        int pair[2], status = 1;

        make_pair(pair);
        interrupted = 0;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            interrupt_in_the_middle(pair[0], &out, parts[i]);
        assert_int_equal(moon_wire_receive(pair[1], &type, &payload, NULL, -1, &interrupted),
                         MOON_WIRE_IO_OK);
        assert_int_equal(type, MOON_WIRE_APPLIED);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(interrupted, 1);
        free((char *)(uintptr_t)payload.p);
        (void)close(pair[0]);
        (void)close(pair[1]);
    }
    assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
    moon_wire_out_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_and_its_descriptor_arrive),
        cmocka_unit_test(two_frames_in_one_go_are_two_frames),
        cmocka_unit_test(a_peer_that_sends_byte_by_byte_is_understood),
        cmocka_unit_test(a_frame_larger_than_the_sockets_buffer_arrives),
        cmocka_unit_test(the_deadline_ends_both_ways),
        cmocka_unit_test(a_peer_that_is_gone_is_no_signal),
        cmocka_unit_test(a_peer_that_is_gone_without_reading_is_told),
        cmocka_unit_test(bytes_that_are_no_frame_are_refused),
        cmocka_unit_test(descriptors_that_are_not_wanted_are_closed),
        cmocka_unit_test(a_signal_ends_the_endless_wait_only_when_asked),
        cmocka_unit_test(a_frame_that_has_begun_is_not_lost_by_a_signal),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    moon_bug_is_fatal = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
