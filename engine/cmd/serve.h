/* SPDX-License-Identifier: MIT
 *
 * serve: what the service needs of the system: its socket, its user, and systemd's ear.
 */
#ifndef MOON_CMD_SERVE_H
#define MOON_CMD_SERVE_H

#include "engine/base/status.h"

/* Also what the module looks for. */
#define MOON_SERVE_SOCKET "/run/moonscan/scan.sock"

/* Listens on a Unix socket of mode 0660 at `path`, after becoming `user` (NULL: stays). A socket
 * that nobody answers on is replaced; MOON_EIO when somebody does, or when it cannot be, with what
 * to do about it. */
enum moon_status moon_serve_listen(const char *path, const char *user, int *fd_r,
                                   struct moon_error *error);
/* Tells systemd, if that is who started us (sd_notify(3)). */
void moon_serve_notify(const char *state);

#endif
