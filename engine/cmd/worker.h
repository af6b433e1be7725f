/* SPDX-License-Identifier: MIT
 *
 * worker: what the two kinds of worker share: one that the module started for its connection
 * (worker.c), and a spare one of the service (spare.c), which serves one connection after another.
 */
#ifndef MOON_CMD_WORKER_H
#define MOON_CMD_WORKER_H

#include <sys/types.h>
#include <time.h>

#include "engine/cmd/setup.h"
#include "engine/cmd/slot.h"

#define MOON_SPARE_LISTEN_FD 3
#define MOON_SPARE_STATE_FD  4 /* a pipe that wakes the supervisor */
#define MOON_SPARE_SLOT_FD   5 /* what it then looks at, closed once it is mapped */

struct moon_worker {
    struct moon_setup *setup;
    struct moon_error trouble; /* of the log, told with the next decision */
    int socket;                /* of the connection */
    int state_fd;              /* -1: none of the service's, nobody wants to know */
    struct moon_slot *slot;    /* or NULL: a supervisor without slots hears of every change */
};

/* Messages of a new connection until it is closed or the worker shall end. False: it was closed
 * before anything was asked. */
bool moon_worker_serve(struct moon_worker *worker);
void moon_worker_tell(const struct moon_worker *worker, enum moon_worker_state state);
/* Has SIGTERM come? */
bool moon_worker_is_ending(void);

/* The files that a worker reads at its start and not again. */
struct moon_spare_file {
    dev_t device;
    ino_t file;
    struct timespec changed;
};
struct moon_spare {
    const char *snapshot;
    struct moon_spare_file snapshot_file, resolver_file;
    int epoll_fd;
};
/* Before they are read: what there is now. */
struct moon_spare moon_spare_begin(const char *snapshot);
/* What it will wait with, before the filter, which allows only the waiting. MOON_EIO. */
enum moon_status moon_spare_watch(struct moon_spare *spare, struct moon_error *error);
/* Connections of the listening socket on MOON_SPARE_LISTEN_FD, until it is time for a fresh process
 * (one of those files is another now, ...) or SIGTERM comes. An exit status. */
int moon_spare_run(struct moon_worker *worker, const struct moon_spare *spare);

#endif
