/* SPDX-License-Identifier: MIT
 *
 * entries: the entries of all lists of a snapshot, for the command line. Lists are Lua of other
 * people's: a confined child reads them.
 */
#ifndef MOON_CMD_ENTRIES_H
#define MOON_CMD_ENTRIES_H

#include "engine/base/arena.h"
#include "engine/base/snapshot.h"

struct moon_entry {
    const char *list, *name;
    unsigned line;       /* 0: not known */
    const char *expires; /* "" when it does not */
    bool found;          /* for the caller */
};

/* In the order of the snapshot, in the arena. MOON_ENOMEM; MOON_EIO, MOON_EBUDGET with the reason.
 */
enum moon_status moon_entries_read(struct moon_arena *arena, const struct moon_snapshot *snapshot,
                                   struct moon_entry **entries_r, size_t *count_r,
                                   struct moon_error *error);

#endif
