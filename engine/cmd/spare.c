/* SPDX-License-Identifier: MIT
 *
 * spare: a worker of the service. Its listening socket is descriptor 3; what it is doing stands in
 * the slot that came as 5 (slot.h), and the supervisor is woken on 4 when it wants to hear of it.
 *
 *   1 wait for a connection, of which the kernel wakes one idle worker and lets the others sleep; a
 *     new snapshot or resolv.conf: end, a fresh worker takes it
 *   2 the connection's messages
 *   3 after enough connections, or long idleness: end
 *
 * A worker does not read either anew: it cannot open files any more (confine.h).
 *
 * It ends after the message in hand when the service ends (SIGTERM, also at the supervisor's
 * death): the module takes the next message elsewhere. That signal comes once, and not at all to a
 * worker whose supervisor died before it could ask for it, so an idle one also sees that nobody
 * hears it any more: left alone it would keep the socket, and a new service away from it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/cmd/cmd.h"
#include "engine/cmd/worker.h"

#define CONNECTIONS_MAX 1000   /* what a stranger has left in memory ends with the process */
#define IDLE_MS         600000 /* of more workers than are needed the surplus goes */
#define RESOLV_CONF     "/etc/resolv.conf"

static struct moon_spare_file file_at(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return (struct moon_spare_file){0};
    return (struct moon_spare_file){st.st_dev, st.st_ino, st.st_mtim};
}

static bool is_same(const struct moon_spare_file *a, const struct moon_spare_file *b)
{
    return a->device == b->device && a->file == b->file && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

struct moon_spare moon_spare_begin(const char *snapshot)
{
    return (struct moon_spare){snapshot, file_at(snapshot), file_at(RESOLV_CONF), -1};
}

enum moon_status moon_spare_watch(struct moon_spare *spare, struct moon_error *error)
{
    struct epoll_event callers = {.events = EPOLLIN | EPOLLEXCLUSIVE,
                                  .data.fd = MOON_SPARE_LISTEN_FD};
    struct epoll_event supervisor = {.events = 0, .data.fd = MOON_SPARE_STATE_FD}; /* its end */

    spare->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (spare->epoll_fd < 0 ||
        epoll_ctl(spare->epoll_fd, EPOLL_CTL_ADD, MOON_SPARE_LISTEN_FD, &callers) != 0 ||
        epoll_ctl(spare->epoll_fd, EPOLL_CTL_ADD, MOON_SPARE_STATE_FD, &supervisor) != 0)
        return moon_fail(error, MOON_EIO, "epoll: %s", strerror(errno));
    return MOON_OK;
}

static bool is_current(const struct moon_spare *spare)
{
    struct moon_spare now = moon_spare_begin(spare->snapshot);
    return is_same(&now.snapshot_file, &spare->snapshot_file) &&
           is_same(&now.resolver_file, &spare->resolver_file);
}

/* Step 1: the connection, or -1 when none came in time, the service ends, or it is for another. The
 * connection that woke us woke nobody else: when we end without it, the supervisor hears that, for
 * a fresh worker finds it where it is. */
static int wait_connection(const struct moon_worker *worker, const struct moon_spare *spare)
{
    struct epoll_event heard;

    while (!moon_worker_is_ending()) {
        int ready = epoll_wait(spare->epoll_fd, &heard, 1, IDLE_MS);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0 || heard.data.fd == MOON_SPARE_STATE_FD)
            return -1;
        if (is_current(spare)) {
            int fd = accept4(MOON_SPARE_LISTEN_FD, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (fd >= 0)
                return fd;
            if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
                continue; /* another was quicker, or the caller has hung up */
        }
        moon_worker_tell(worker, MOON_WORKER_LEAVING);
        return -1;
    }
    return -1;
}

int moon_spare_run(struct moon_worker *worker, const struct moon_spare *spare)
{
    for (unsigned i = 0; i < CONNECTIONS_MAX && !moon_worker_is_ending(); i++) {
        moon_worker_tell(worker, MOON_WORKER_IDLE);
        worker->socket = wait_connection(worker, spare);
        if (worker->socket < 0)
            break;
        moon_worker_tell(worker, MOON_WORKER_CONNECTION);
        (void)moon_worker_serve(worker); /* one that has hung up is as good as another */
        (void)close(worker->socket);     /* all was said */
    }
    return MOON_EXIT_OK;
}
