/* SPDX-License-Identifier: MIT
 *
 * spare: a worker of the service. Its listening socket is descriptor 3, the supervisor hears of its
 * state on 4.
 *
 *   1 wait for a connection      3 READY, and the connection's messages
 *   2 a new snapshot? open it    4 after enough connections, or long idleness: end
 *
 * It ends after the message in hand when the service ends (SIGTERM, also at the supervisor's
 * death): the module takes the next message elsewhere.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/cmd/cmd.h"
#include "engine/cmd/worker.h"

#define CONNECTIONS_MAX                                                                            \
    200                /* whatever a stranger may have left in memory ends with the process        \
                        */
#define IDLE_MS 600000 /* of more workers than are needed the surplus goes */

/* Which file the snapshot's path leads to. */
struct identity {
    dev_t device;
    ino_t file;
    struct timespec changed;
};

static struct identity identity_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return (struct identity){0};
    return (struct identity){st.st_dev, st.st_ino, st.st_mtim};
}

static bool is_same(const struct identity *a, const struct identity *b)
{
    return a->device == b->device && a->file == b->file && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Step 2. What is in force stays when the new one cannot be opened. False: this process cannot do
 * all that the new one wants; it serves the connection that is there and makes room for another. */
static bool follow_snapshot(struct moon_worker *worker, const char *path, struct identity *opened)
{
    static struct moon_setup places[2];
    struct identity now = identity_of(path);
    struct moon_setup *fresh = worker->setup == &places[0] ? &places[1] : &places[0];

    if (is_same(&now, opened))
        return true;
    *opened = now; /* one that is broken is told once */
    if (moon_setup_open(path, NULL, fresh, &worker->trouble) != MOON_OK)
        return true;
    bool whole = moon_setup_keep_store(fresh, worker->setup);
    moon_setup_close(worker->setup);
    worker->setup = fresh;
    return whole;
}

/* Step 1: the connection, or -1 when none came in time or the service ends. */
static int wait_connection(void)
{
    struct pollfd listening = {.fd = MOON_SPARE_LISTEN_FD, .events = POLLIN};

    while (!moon_worker_is_ending()) {
        int ready = poll(&listening, 1, IDLE_MS);
        if (ready == 0 || (ready < 0 && errno != EINTR))
            return -1;
        int fd = ready > 0 ? accept4(MOON_SPARE_LISTEN_FD, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)
                           : -1;
        if (fd >= 0)
            return fd;
        if (ready > 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            return -1; /* another was quicker, or the caller has hung up: wait on */
    }
    return -1;
}

int moon_spare_run(struct moon_worker *worker, const char *snapshot)
{
    struct identity opened = identity_of(snapshot);
    bool go_on = true;

    for (unsigned i = 0; go_on && i < CONNECTIONS_MAX && !moon_worker_is_ending(); i++) {
        moon_worker_tell(worker, MOON_WORKER_IDLE);
        worker->socket = wait_connection();
        if (worker->socket < 0)
            break;
        moon_worker_tell(worker, MOON_WORKER_CONNECTION);
        go_on = follow_snapshot(worker, snapshot, &opened);
        if (moon_worker_say_ready(worker, NULL))
            moon_worker_serve(worker);
        (void)close(worker->socket); /* all was said */
    }
    return MOON_EXIT_OK;
}
