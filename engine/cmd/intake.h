/* SPDX-License-Identifier: MIT
 *
 * intake: the message that the engine works on, out of a request from Exim.
 */
#ifndef MOON_CMD_INTAKE_H
#define MOON_CMD_INTAKE_H

#include "engine/message/message.h"
#include "engine/wire/wire.h"

/* Copies what it keeps into the arena, but for the body, which stays in `body_fd` (-1: none sent).
 * MOON_ENOMEM; MOON_EIO when the descriptor is no regular file; MOON_EBUDGET above the limits. */
enum moon_status moon_intake(struct moon_arena *arena, const struct moon_request *request,
                             int body_fd, struct moon_message *msg_r, struct moon_error *error);

#endif
