/* SPDX-License-Identifier: MIT
 *
 * service: a worker of `moonscan serve`, if that is running; and the slots which keep few of Exim's
 * processes at a time from starting workers of their own when it is busy, so that too much work
 * does not become twice as much.
 */
#ifndef MOON_LOCAL_SCAN_SERVICE_H
#define MOON_LOCAL_SCAN_SERVICE_H

#include <stdbool.h>

enum moon_service {
    MOON_SERVICE_CONNECTED, /* a worker may say READY */
    MOON_SERVICE_ABSENT,    /* nobody listens there */
    MOON_SERVICE_BARRED,    /* the permissions of the socket, or of a folder above, keep us out */
    MOON_SERVICE_BUSY,      /* somebody listens, and has more callers than he can queue */
};

/* Connects without waiting. *socket_r is non-blocking and close-on-exec, -1 unless CONNECTED. */
enum moon_service moon_service_connect(const char *path, int *socket_r);

/* Takes one of the slots of Exim's user on this machine, held until the descriptor is closed or the
 * process ends; -1 when none is free. Locks a file in the current folder, which is Exim's spool. */
int moon_service_slot(void);

#endif
