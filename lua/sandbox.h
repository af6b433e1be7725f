/* SPDX-License-Identifier: MIT
 *
 * sandbox: one Lua state with limits, for one run of one source: a policy's layer, a list, the
 * configuration. Internal to this room.
 *
 * Limits: instructions of the Lua machine (our library functions charge what they cost), memory,
 * and wall time. Once a limit is reached the run ends, whatever the script does: the only function
 * that catches errors is our pcall, and it passes a breach on.
 */
#ifndef MOON_LUA_SANDBOX_H
#define MOON_LUA_SANDBOX_H

#include <stdint.h>

#include <lua.h>
#include <lauxlib.h>

#include "engine/base/buf.h"
#include "engine/base/status.h"

struct moon_limits {
    int64_t instructions, bytes, ms;
};

struct moon_sandbox;

/* On the heap; NULL without memory. The state is empty: libraries are opened inside a run. */
struct moon_sandbox *moon_sandbox_create(const struct moon_limits *limits);
void moon_sandbox_destroy(struct moon_sandbox **sandbox);
/* A run ends at that time on moon_clock_ms as well, whatever it is waiting for; `over` says so in
 * the error, and is borrowed. */
void moon_sandbox_until(struct moon_sandbox *sandbox, int64_t end_ms, const char *over);
/* The most memory it has had so far; never more than its limit. */
int64_t moon_sandbox_peak_bytes(const struct moon_sandbox *sandbox);

/* Calls body(L) with `context` reachable by moon_sandbox_context, inside the one protected call.
 * MOON_OK; MOON_ECONF: an error, with "file:line: what" in *error; MOON_EBUDGET: a limit, with
 * "file:line: instruction limit of N reached" (memory, time), or what moon_sandbox_until says. */
enum moon_status moon_sandbox_run(struct moon_sandbox *sandbox, lua_CFunction body, void *context,
                                  struct moon_error *error);
void *moon_sandbox_context(lua_State *L);
/* Which of its own limits ended the run: "instruction", "memory", "time"; NULL: none of them. */
const char *moon_sandbox_limit(const struct moon_sandbox *sandbox);

/* The following run inside a run and may raise. */

/* Charges `cost` instructions and looks at the clock now and then. [-0, +0] */
void moon_sandbox_charge(lua_State *L, uint64_t cost);
/* Looks at the clock: for work that has limits of its own. [-0, +0] */
void moon_sandbox_check_clock(lua_State *L);
/* Time that the script waited for somebody else's answer, which has limits of its own, is not
 * counted in limits.ms. [-0, +0] */
void moon_sandbox_credit(lua_State *L, int64_t ms);
/* a < b of the values at two stack indices; texts are charged by their length, because Lua compares
 * them piece by piece between their NUL bytes. [-0, +0] */
bool moon_sandbox_less(lua_State *L, int a, int b);
/* Raises with the position of the script's line in front. [-0, +0], never returns. */
int moon_sandbox_raise(lua_State *L, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "file:line" of the innermost line of a script that is running, of one that is not built in if
 * there is any: what called it can be mended; "" when there is none. Never raises. */
void moon_sandbox_where(lua_State *L, char *where_r, size_t size);
/* Pushes the table of globals that a script may see. [-0, +1] */
void moon_library_open(lua_State *L);
/* Of a global that people look for and policies lack: what to use instead; else NULL. */
const char *moon_library_absent(struct moon_span name);
/* Compiles text (never bytecode) and pushes the function, the table at the top as its globals.
 * `name` is shown in messages. [-1, +1] */
void moon_sandbox_load(lua_State *L, struct moon_span text, const char *name);
/* The same for bytecode that this program made by lua_dump, in this process or when it published
 * (code.h). */
void moon_sandbox_load_compiled(lua_State *L, struct moon_span code, const char *name);
/* Our pcall, the only one. */
int moon_sandbox_pcall(lua_State *L);
/* Text of any value, without addresses; __tostring is honoured. [-0, +1] */
const char *moon_sandbox_tostring(lua_State *L, int index, size_t *length_r);

/* The step-counted libraries (pattern.c, table.c): [-0, +1] each. */
void moon_pattern_functions(lua_State *L); /* adds to the table at the top: [-0, +0] */
void moon_table_functions(lua_State *L);   /* the same */

#endif
