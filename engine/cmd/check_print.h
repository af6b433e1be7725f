/* SPDX-License-Identifier: MIT
 *
 * check_print: what `moonscan check` shows: a page for people, or one JSON object.
 */
#ifndef MOON_CMD_CHECK_PRINT_H
#define MOON_CMD_CHECK_PRINT_H

#include <stdio.h>

#include "engine/verdict/scan.h"

/* `verbose`: the page shows the terms of SPF also where it passed; JSON always has them.
 * MOON_ENOMEM, or MOON_EIO when it cannot be written. */
enum moon_status moon_check_print(FILE *to, struct moon_arena *arena, const struct moon_conf *conf,
                                  const struct moon_message *msg,
                                  const struct moon_outcome *outcome, bool json, bool verbose);

#endif
