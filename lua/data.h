/* SPDX-License-Identifier: MIT
 *
 * data: what reading a data file (providers, profiles) has in common: fields of tables checked by
 * type, copied into the arena, and errors that name the line at which the field stands. Internal to
 * this room. All functions run inside a run whose context is a struct moon_data, and may raise.
 */
#ifndef MOON_LUA_DATA_H
#define MOON_LUA_DATA_H

#include "engine/base/arena.h"
#include "lua/sandbox.h"

struct moon_data {
    struct moon_arena *arena; /* what is kept of the file */
    struct moon_span source;
    const char *path; /* shown in messages */
    bool no_memory;   /* the arena ran out */
    void *into;       /* the reader's own */
};

struct moon_data *moon_data_of(lua_State *L);
/* Raises "path:line: what". `place`: which table ("3", "requires.2"; "" is the outermost);
 * `field` may be NULL. Never returns. */
int moon_data_wrong(lua_State *L, const char *place, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Raises when the table at the top has a key that is not among the names; items by number are fine
 * when `items` says so. [-0, +0] */
void moon_data_check_names(lua_State *L, const char *place, const char *const *names, size_t count,
                           bool items);
/* Pushes a field of the table at the top; false, and nothing pushed, when it is nil. [-0, +1 or 0]
 */
bool moon_data_push(lua_State *L, const char *place, const char *field, int type);
/* A text of one line, copied; NULL when it is nil and not `needed`. [-0, +0] */
const char *moon_data_text(lua_State *L, const char *place, const char *field, bool needed);
/* A date like "2027-12-31" (needed); the text. [-0, +0] */
const char *moon_data_date(lua_State *L, const char *place, const char *field);
/* A list of texts of one line; *count_r 0 when it is nil. [-0, +0] */
const char **moon_data_texts(lua_State *L, const char *place, const char *field, size_t *count_r);
/* `count` zeroed items of the arena. */
void *moon_data_array(lua_State *L, size_t count, size_t size);
/* moon_arena_append, which raises without memory. */
void *moon_data_append(lua_State *L, void *items, size_t count, size_t size);
/* Normalizes a domain of the file. */
const char *moon_data_domain(lua_State *L, const char *place, const char *field, const char *text);

#endif
