/* SPDX-License-Identifier: MIT
 *
 * rehearsal: everything that publishing does with other people's Lua, in a confined child: every
 * policy and list is tried (trial.c), then the policies' own tests are run (engine/trial).
 */
#ifndef MOON_CMD_REHEARSAL_H
#define MOON_CMD_REHEARSAL_H

#include "engine/cmd/gather.h"

/* Mistakes and failing tests go to gather->errors, with the configuration directory in front.
 * MOON_ENOMEM; MOON_EIO, MOON_EBUDGET: it could not be carried out, with the reason. */
enum moon_status moon_rehearsal_run(struct moon_gather *gather, bool with_tests,
                                    struct moon_error *error);

#endif
