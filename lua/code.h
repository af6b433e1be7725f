/* SPDX-License-Identifier: MIT
 *
 * code: compiled policies in the snapshot, so that a worker compiles nothing when it meets one of
 * 10,000 tenants. `moonscan publish` makes them from the texts of the same snapshot; nobody else
 * can, because what runs is bytecode, which Lua believes without a check:
 *
 *   - it is used only from a snapshot file that belongs to root or to this process's user and that
 *     no group or other user may write (moon_snapshot_trusted);
 *   - the snapshot's stamp, a piece of compiled code, must be what this program would make of it
 *     now: another Lua, or another machine, and the texts are compiled as if there were no code;
 *   - each record has a checksum, against damage, not against forgers.
 *
 * Records: code-stamp; code/<path>: checksum (u64), bytecode. Internal to this room.
 */
#ifndef MOON_LUA_CODE_H
#define MOON_LUA_CODE_H

#include "engine/base/arena.h"
#include "engine/base/snapshot.h"
#include "lua/sandbox.h"

/* Bytecode of a text, on the heap; the caller frees code_r->p, also after a failure. */
enum moon_status moon_code_compile(const struct moon_limits *limits, struct moon_span text,
                                   const char *name, struct moon_span *code_r,
                                   struct moon_error *error);
/* Is the snapshot's code of this program and this Lua, and trusted? Compiles a line. */
bool moon_code_usable(const struct moon_snapshot *snapshot);
/* The code of a policy in a usable snapshot; false: there is none, or it is damaged. */
bool moon_code_get(const struct moon_snapshot *snapshot, const char *path,
                   struct moon_span *code_r);
/* For publishing: the record of this bytecode, and the stamp; in the arena, empty without memory.
 */
struct moon_span moon_code_record(struct moon_arena *arena, struct moon_span code);
struct moon_span moon_code_stamp(struct moon_arena *arena);

#endif
