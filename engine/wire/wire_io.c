/* SPDX-License-Identifier: MIT
 *
 * wire_io: frames over a stream socket, against a deadline that no signal and no alarm() of
 * somebody else's can move: every wait is a poll() of the time that is left on the monotonic clock.
 */
#include "engine/wire/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define WIRE_WAITS_MS         30000  /* where READY does not ask for more */
#define WIRE_WAITS_SLACK_MS   2000   /* over what the worker itself allows for a message */
#define WIRE_WAITS_LONGEST_MS 240000 /* below Exim's local_scan_timeout of 5 minutes */

/* A signal can arrive between the look at *interrupted and poll(): then it is seen this late. */
#define WIRE_SLICE_MS 1000
/* Room for descriptors: one is legal; those beyond the room are closed by the kernel. */
#define WIRE_FDS_MAX 4

int64_t moon_wire_now_ms(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return INT64_MAX; /* cannot happen; every deadline is then over */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t moon_wire_waits_ms(uint32_t message_ms)
{
    int64_t ms = message_ms ? message_ms + (int64_t)WIRE_WAITS_SLACK_MS : 0;

    if (ms < WIRE_WAITS_MS)
        ms = WIRE_WAITS_MS;
    return ms < WIRE_WAITS_LONGEST_MS ? ms : WIRE_WAITS_LONGEST_MS;
}

uint32_t moon_wire_waited_ms(const struct moon_request *request, uint32_t message_ms)
{
    uint32_t more_ms = (uint32_t)(moon_wire_waits_ms(message_ms) - WIRE_WAITS_MS);
    bool adapts = request->flags & MOON_WIRE_FLAG_ADAPTS && request->waited_ms <= WIRE_WAITS_MS;

    return request->waited_ms + (adapts ? more_ms : 0);
}

static enum moon_wire_io wait_for(int socket, short events, int64_t deadline_ms,
                                  const volatile int *interrupted)
{
    for (;;) { /* ends with the deadline, the peer, or the signal */
        int64_t left_ms = WIRE_SLICE_MS;
        struct pollfd one = {.fd = socket, .events = events};

        if (interrupted && *interrupted)
            return MOON_WIRE_IO_CLOSED;
        if (deadline_ms >= 0) {
            int64_t now_ms = moon_wire_now_ms();
            if (now_ms >= deadline_ms)
                return MOON_WIRE_IO_TIMEOUT;
            if (deadline_ms - now_ms < left_ms)
                left_ms = deadline_ms - now_ms;
        }
        int n = poll(&one, 1, (int)left_ms);
        if (n > 0)
            return one.revents & POLLNVAL ? MOON_WIRE_IO_BAD : MOON_WIRE_IO_OK;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return MOON_WIRE_IO_BAD;
    }
}

static enum moon_wire_io io_of_errno(void)
{
    return errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN ? MOON_WIRE_IO_CLOSED
                                                                      : MOON_WIRE_IO_BAD;
}

static bool is_temporary(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

enum moon_wire_io moon_wire_send(int socket, const struct moon_wire_out *out, int fd,
                                 int64_t deadline_ms)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    size_t sent = 0;

    if (out->failed)
        return MOON_WIRE_IO_BAD;
    while (sent < out->length) {
        struct iovec part = {out->bytes + sent, out->length - sent};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

        if (fd >= 0 && sent == 0) { /* with the first byte, whatever the kernel takes of the rest */
            memset(&control, 0, sizeof control);
            message.msg_control = control.bytes;
            message.msg_controllen = sizeof control.bytes;
            struct cmsghdr *head = CMSG_FIRSTHDR(&message);
            head->cmsg_level = SOL_SOCKET;
            head->cmsg_type = SCM_RIGHTS;
            head->cmsg_len = CMSG_LEN(sizeof(int));
            memcpy(CMSG_DATA(head), &fd, sizeof fd);
        }
        ssize_t n = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            sent += (size_t)n;
            continue;
        }
        if (n < 0 && !is_temporary(errno))
            return io_of_errno();
        enum moon_wire_io io = wait_for(socket, POLLOUT, deadline_ms, NULL);
        if (io != MOON_WIRE_IO_OK)
            return io;
    }
    return MOON_WIRE_IO_OK;
}

/* Descriptors out of a control message: the first goes to *fd when there is none yet; all others
 * are closed. False when there was one too many. */
static bool take_descriptors(struct msghdr *message, int *fd)
{
    bool good = !(message->msg_flags & MSG_CTRUNC);

    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count && i < WIRE_FDS_MAX + 1; i++) {
            int got;
            memcpy(&got, CMSG_DATA(head) + i * sizeof got, sizeof got);
            if (*fd < 0) {
                *fd = got;
                continue;
            }
            (void)close(got); /* not ours to use, nothing to be done about an error */
            good = false;
        }
    }
    return good;
}

/* `interrupted` ends it only while nothing has come: what has begun is read to its end. `there`:
 * the bytes have most likely come already, so that the first look need not wait. */
static enum moon_wire_io receive_bytes(int socket, void *bytes, size_t n, bool there, int *fd,
                                       int64_t deadline_ms, const volatile int *interrupted)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(WIRE_FDS_MAX * sizeof(int))];
    } control;
    size_t have = 0;

    while (have < n) {
        struct iovec part = {(char *)bytes + have, n - have};
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control.bytes,
                                 .msg_controllen = sizeof control.bytes};

        /* Wait before the others: a peer that sends without end must not outrun the deadline
         * either. */
        enum moon_wire_io io =
            there ? MOON_WIRE_IO_OK
                  : wait_for(socket, POLLIN, deadline_ms, have ? NULL : interrupted);
        there = false;
        if (io != MOON_WIRE_IO_OK)
            return io;
        ssize_t got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (got < 0 && is_temporary(errno))
            continue;
        if (got < 0)
            return errno == ECONNRESET ? MOON_WIRE_IO_UNREAD : io_of_errno();
        if (!take_descriptors(&message, fd))
            return MOON_WIRE_IO_BAD;
        if (got == 0)
            return MOON_WIRE_IO_CLOSED;
        have += (size_t)got;
    }
    return MOON_WIRE_IO_OK;
}

enum moon_wire_io moon_wire_wait(int socket, int64_t deadline_ms, const volatile int *interrupted)
{
    return wait_for(socket, POLLIN, deadline_ms, interrupted);
}

bool moon_wire_is_over(int socket)
{
    struct pollfd one = {.fd = socket, .events = 0};

    return poll(&one, 1, 0) != 0; /* POLLHUP and POLLERR are always told */
}

enum moon_wire_io moon_wire_receive(int socket, enum moon_wire_type *type_r,
                                    struct moon_span *payload_r, int *fd_r, int64_t deadline_ms,
                                    const volatile int *interrupted)
{
    unsigned char head[MOON_WIRE_HEAD_BYTES];
    enum moon_wire_type type;
    char *payload = NULL;
    size_t n = 0;
    int fd = -1;

    *payload_r = (struct moon_span){NULL, 0};
    if (fd_r)
        *fd_r = -1;
    enum moon_wire_io io =
        receive_bytes(socket, head, sizeof head, false, &fd, deadline_ms, interrupted);
    if (io != MOON_WIRE_IO_OK)
        goto done;
    io = MOON_WIRE_IO_BAD;
    if (!moon_wire_head(head, &type, &n))
        goto done;
    payload = malloc(n ? n : 1);
    if (!payload)
        goto done;
    io = receive_bytes(socket, payload, n, true, &fd, deadline_ms, NULL);
    if (io == MOON_WIRE_IO_OK && fd >= 0 && (!fd_r || type != MOON_WIRE_REQUEST))
        io = MOON_WIRE_IO_BAD;
    if (io != MOON_WIRE_IO_OK)
        goto done;
    *type_r = type;
    *payload_r = (struct moon_span){payload, n};
    if (fd_r)
        *fd_r = fd;
    return MOON_WIRE_IO_OK;
done:
    free(payload);
    if (fd >= 0)
        (void)close(fd); /* refused with its frame */
    return io;
}
