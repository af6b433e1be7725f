/* SPDX-License-Identifier: MIT
 *
 * preload: put in front of libc (LD_PRELOAD) it makes the real program die at a step of the
 * protocol, and the wall clock jump. What it shall do stands in the file that MOON_FAULT_FILE
 * names, which the campaign changes while the program runs (tests/faults/fault_lab.py):
 *
 *   step     READY.before .half .after   REQUEST.half .after   DECISION.before .half .after
 *            APPLIED.after   RECORD.before .half .after
 *   number   the signal that this process then gets
 *   left     how many processes shall get it
 *   clock_s  what is added to CLOCK_REALTIME
 *   refused  a call that has no descriptors: "socketpair", or "open" of /proc/self/fd/N
 *
 * A frame is sent by one call (engine/wire/wire_io.c) and read by two, head first; a record is
 * written by one writev.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
    int64_t clock_s;
    int32_t number, left;
    char step[32], refused[16];
};

static const char *const frames[] = {"", "READY", "REQUEST", "DECISION", "APPLIED"};
static volatile struct control *control;
static ssize_t (*real_sendmsg)(int, const struct msghdr *, int);
static ssize_t (*real_recvmsg)(int, struct msghdr *, int);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_open)(const char *, int, ...);
static int (*real_socketpair)(int, int, int, int[2]);
static const char *reading = ""; /* the frame whose head has been read */

/* A function pointer out of dlsym, which C has no cast for. */
static void find(const char *name, void *function_r)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(function_r, &found, sizeof found);
}

/* A library that is initialised before this one may call us first. */
static void begin(void)
{
    static int begun;
    const char *path = getenv("MOON_FAULT_FILE");

    if (begun)
        return;
    begun = 1;
    find("open", &real_open);
    int fd = path ? real_open(path, O_RDWR | O_CLOEXEC) : -1;
    find("sendmsg", &real_sendmsg);
    find("recvmsg", &real_recvmsg);
    find("writev", &real_writev);
    find("clock_gettime", &real_clock_gettime);
    find("socketpair", &real_socketpair);
    if (fd < 0)
        return;
    void *shared = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd); /* mapped, or there is no control */
    if (shared != MAP_FAILED)
        control = shared;
}

__attribute__((constructor)) static void begin_at_once(void)
{
    begin(); /* while files can still be opened */
}

static int is_step(const char *frame, const char *place)
{
    char step[sizeof control->step];
    size_t n = strlen(frame);

    if (!control || control->left <= 0)
        return 0;
    for (size_t i = 0; i < sizeof step; i++)
        step[i] = control->step[i];
    step[sizeof step - 1] = '\0';
    return n && strncmp(step, frame, n) == 0 && step[n] == '.' && strcmp(step + n + 1, place) == 0;
}

/* raise, not kill: the worker's filter lets it signal itself by tgkill only. */
static void reach(const char *frame, const char *place)
{
    if (is_step(frame, place) && __atomic_fetch_sub(&control->left, 1, __ATOMIC_SEQ_CST) > 0)
        (void)raise(control->number);
}

static int is_unix(int fd)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof name;

    return getsockname(fd, (struct sockaddr *)&name, &length) == 0 && name.ss_family == AF_UNIX;
}

static const char *frame_of(const unsigned char *head)
{
    return head[4] < sizeof frames / sizeof *frames ? frames[head[4]] : "";
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    const char *frame = "";

    begin();
    if (message->msg_iovlen == 1 && message->msg_iov->iov_len >= 6 && is_unix(fd))
        frame = frame_of(message->msg_iov->iov_base);
    reach(frame, "before");
    if (is_step(frame, "half")) {
        struct iovec half = {message->msg_iov->iov_base, message->msg_iov->iov_len / 2};
        struct msghdr part = *message;
        part.msg_iov = &half;
        (void)real_sendmsg(fd, &part, flags); /* the peer may be gone */
        reach(frame, "half");
    }
    ssize_t n = real_sendmsg(fd, message, flags);
    reach(frame, "after");
    return n;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    begin();
    ssize_t n = real_recvmsg(fd, message, flags);
    if (n <= 0 || !is_unix(fd))
        return n;
    if (message->msg_iov->iov_len == 6 && n == 6) {
        reading = frame_of(message->msg_iov->iov_base);
        reach(reading, "half");
    } else {
        reach(reading, "after");
    }
    return n;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    begin();
    reach("RECORD", "before");
    if (count > 1 && is_step("RECORD", "half")) {
        (void)!write(fd, parts[1].iov_base, parts[1].iov_len / 2); /* a full disk is no matter */
        reach("RECORD", "half");
    }
    ssize_t n = real_writev(fd, parts, count);
    reach("RECORD", "after");
    return n;
}

static int is_refused(const char *call)
{
    for (size_t i = 0; control && i < sizeof control->refused; i++) {
        if (control->refused[i] != call[i])
            return 0;
        if (!call[i]) {
            errno = EMFILE;
            return 1;
        }
    }
    return 0;
}

int open(const char *path, int flags, ...)
{
    va_list rest;

    begin();
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (strncmp(path, "/proc/self/fd/", 14) == 0 && is_refused("open"))
        return -1;
    return real_open(path, flags, mode);
}

int socketpair(int domain, int type, int protocol, int pair_r[2])
{
    begin();
    return is_refused("socketpair") ? -1 : real_socketpair(domain, type, protocol, pair_r);
}

int clock_gettime(clockid_t clock, struct timespec *now_r)
{
    begin();
    int result = real_clock_gettime(clock, now_r);
    if (result == 0 && control && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now_r->tv_sec += (time_t)control->clock_s;
    return result;
}

int gettimeofday(struct timeval *restrict now_r, void *restrict zone)
{
    struct timespec now;

    (void)zone; /* obsolete, and nobody's here */
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    now_r->tv_sec = now.tv_sec;
    now_r->tv_usec = (suseconds_t)(now.tv_nsec / 1000);
    return 0;
}

time_t time(time_t *now_r)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    if (now_r)
        *now_r = now.tv_sec;
    return now.tv_sec;
}
