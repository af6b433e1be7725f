/* SPDX-License-Identifier: MIT
 *
 * list_pack: a parsed list as a record of the snapshot, so that a worker that meets one of 10,000
 * tenants runs no list file. Data only, read by a checked cursor; texts are used where they stand.
 *
 * Record packed/<path>: layout (u8), verdicts (u8), count (u32); then each entry: line (u32), bare
 * (u8), verdict (u8), expires_s (u64), and its texts in the order of the table of list_pack.c. A
 * text: length (u32; all ones: NULL), bytes, NUL. Several: one (u8), count (u32), texts. Network
 * byte order. Internal to this room.
 */
#ifndef MOON_LUA_LIST_PACK_H
#define MOON_LUA_LIST_PACK_H

#include "lua/lists.h"

/* The record in the arena; empty without memory. */
struct moon_span moon_list_pack(struct moon_arena *arena, const struct moon_list *list);
/* The list of that record, whose bytes it goes on using; name and path are borrowed. NULL: it is no
 * record of this version, or damaged, or there is no memory; the text says more then. */
struct moon_list *moon_list_unpack(struct moon_arena *arena, struct moon_span record,
                                   const char *name, const char *path);
/* The list of that path in the snapshot; `path` is borrowed. NULL as above, or there is none. */
struct moon_list *moon_list_packed(struct moon_arena *arena, const struct moon_snapshot *snapshot,
                                   const char *name, const char *path);

#endif
