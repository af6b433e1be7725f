/* SPDX-License-Identifier: MIT
 *
 * spawn: the worker process of this SMTP connection: start it, hold it, end it. Every call is made
 * between moon_spawn_enter and moon_spawn_leave, which put Exim's signal handling aside and back
 * where there is a process of ours.
 */
#ifndef MOON_LOCAL_SCAN_SPAWN_H
#define MOON_LOCAL_SCAN_SPAWN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "local_scan/settings.h"

struct moon_spawn {
    pid_t pid;  /* 0: none of ours */
    int socket; /* -1: there is no worker; without a pid: one of the service */
};

struct moon_spawn_guard {
    bool held;              /* it was put aside */
    struct sigaction child; /* Exim's disposition of SIGCHLD */
};

/* Exim ignores SIGCHLD, which would take the worker's exit status from us. With a worker of the
 * service there is none: nothing happens until one of our own is started. Not nested. */
void moon_spawn_enter(struct moon_spawn_guard *guard, const struct moon_spawn *worker);
/* Puts Exim's disposition back; children that ended meanwhile are reaped as Exim wanted it. */
void moon_spawn_leave(const struct moon_spawn_guard *guard);

/* Is there a worker that still runs and has said nothing unasked? If not, what is left of it is
 * removed. Never touches a process that is not our child. */
bool moon_spawn_alive(struct moon_spawn *worker);

/* Starts "PROGRAM worker" with our end of a socketpair in worker->socket and its end as descriptor
 * 3; no other descriptor, default signals, an environment of MOONSCAN_* and TZ only. On false
 * `why` says what is wrong and how to mend it. */
bool moon_spawn_start(struct moon_spawn *worker, const struct moon_settings *settings, char *why,
                      size_t why_size);

/* "worker 123", "the service's worker": for the log. */
void moon_spawn_name(const struct moon_spawn *worker, char *name_r, size_t size);

/* Ends the worker, however it is: SIGKILL, and reaped, within a second. With `grace_ms` it first
 * gets that long to end by itself. `how` says how it ended, for the log. A worker of the service is
 * only hung up on: its supervisor looks after it. */
void moon_spawn_end(struct moon_spawn *worker, int grace_ms, char *how, size_t how_size);

#endif
