/* SPDX-License-Identifier: MIT
 *
 * watch: the alarm of a worker, over one message. It first says READY, where the module has not
 * heard it and the message takes long enough for it to matter (engine/wire/wire.h), whatever the
 * worker is busy with; then it ends a worker that hangs. One process has one watch.
 */
#ifndef MOON_CMD_WATCH_H
#define MOON_CMD_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/wire/wire.h"

/* Once: `ready` is what READY says. False without memory. */
bool moon_watch_open(const struct moon_wire_ready *ready);
void moon_watch_close(void);

/* A message begins, of the module on `socket`: `longest_s` from now, or from READY where that is
 * due first, the process is ended by SIGALRM. False: there is nobody any more who waits for the
 * decision. */
bool moon_watch_begin(int socket, const struct moon_request *request, unsigned longest_s);
/* Says READY now if it was still to be said. */
void moon_watch_say_due(void);
/* READY is not due any more: DECISION is about to be sent. */
void moon_watch_forget(void);
/* From now on the alarm is this; 0: none. Also for a handler of SIGTERM, which says READY first. */
void moon_watch_alarm(unsigned seconds);
void moon_watch_last_alarm(unsigned seconds);

/* Says READY on `socket`, to a module that waits for it. False: nobody heard it. */
bool moon_watch_say_ready(int socket);
/* The same for a worker that cannot start, and why. */
void moon_watch_say_trouble(int socket, const char *trouble);

#endif
