/* SPDX-License-Identifier: MIT
 *
 * lists: reads a list file into C structures. Procedure: (1) run the file in a sandbox of its own,
 * (2) walk the array it returned; each item is checked and copied into the arena (list_fields.c),
 * (3) errors get the line at which the item, or its field, stands in the file.
 */
#include "lua/lists.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/nearest.h"
#include "engine/message/domain.h"
#include "lua/lines.h"

/* The item at the top of the stack. */
static void read_item(lua_State *L, size_t item, struct moon_list_entry *entry)
{
    struct moon_list_reading *reading = moon_sandbox_context(L);
    int type = lua_type(L, -1);
    entry->list = reading->list;
    entry->line = reading->lines[item - 1];
    if (type == LUA_TSTRING) {
        const char **items = moon_arena_array(reading->arena, 1, sizeof *items);
        entry->bare = true;
        entry->name = moon_list_domain(L, -1, item, NULL);
        if (!items) {
            reading->no_memory = true;
            (void)lua_error(L); /* never returns */
            return;
        }
        items[0] = entry->name;
        entry->dkim = (struct moon_texts){items, 1, true};
    } else if (type == LUA_TTABLE) {
        moon_list_fields(L, item, entry);
    } else {
        (void)moon_list_wrong(L, item, NULL, "a domain or a table is wanted");
    }
}

/* Forwarders and verdicts do not mix: a rule against somebody must not be taken for trust in him.
 */
static void check_kind(lua_State *L, struct moon_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        list->verdicts = list->verdicts || list->entries[i].verdict != MOON_VERDICT_NONE;
    for (size_t i = 0; list->verdicts && i < list->count; i++)
        if (list->entries[i].verdict == MOON_VERDICT_NONE)
            (void)moon_list_wrong(L, i + 1, NULL,
                                  "it says no verdict, but others of this list do; make two lists");
}

static int read_list(lua_State *L)
{
    struct moon_list_reading *reading = moon_sandbox_context(L);
    moon_library_open(L);
    moon_sandbox_load(L, reading->source, reading->list->path);
    lua_call(L, 0, 1);
    if (!lua_istable(L, -1)) {
        (void)lua_pushfstring(L, "%s:1: a list file returns a table: return { ... }",
                              reading->list->path);
        return lua_error(L);
    }
    size_t count = lua_rawlen(L, -1);
    lua_pushnil(L);
    if (count == 0 && lua_next(L, -2)) {
        (void)lua_pushfstring(L, "%s:1: a list file returns an array of entries, each in braces",
                              reading->list->path);
        return lua_error(L);
    }
    if (count > MOON_LIST_ENTRIES_MAX)
        return moon_list_wrong(L, MOON_LIST_ENTRIES_MAX, NULL, "there are too many items");
    lua_settop(L, 1);
    reading->list->entries =
        moon_arena_array(reading->arena, count, sizeof(struct moon_list_entry));
    reading->lines = moon_arena_array(reading->arena, count, sizeof *reading->lines);
    if (!reading->list->entries || !reading->lines) {
        reading->no_memory = true;
        return lua_error(L);
    }
    moon_lines_items(reading->source, reading->lines, count);
    for (size_t i = 0; i < count; i++) {
        (void)lua_rawgeti(L, 1, (lua_Integer)i + 1);
        read_item(L, i + 1, &reading->list->entries[i]);
        lua_settop(L, 1);
    }
    reading->list->count = count;
    check_kind(L, reading->list);
    return 0;
}

enum moon_status moon_list_parse(struct moon_arena *arena, const struct moon_limits *limits,
                                 struct moon_span source, const char *name, const char *path,
                                 struct moon_list **list_r, struct moon_error *error)
{
    struct moon_list_reading reading = {.arena = arena, .source = source};
    struct moon_sandbox *sandbox = NULL;
    enum moon_status status = MOON_ENOMEM;

    *list_r = NULL;
    if (source.n > MOON_LIST_BYTES_MAX)
        return moon_fail(error, MOON_ECONF, "%s:1: a list may have %u bytes at most", path,
                         MOON_LIST_BYTES_MAX);
    reading.list = moon_arena_alloc(arena, sizeof *reading.list);
    if (!reading.list)
        goto done;
    reading.list->name = moon_arena_cstr(arena, name);
    reading.list->path = moon_arena_cstr(arena, path);
    sandbox = moon_sandbox_create(limits);
    if (!reading.list->name || !reading.list->path || !sandbox)
        goto done;
    status = moon_sandbox_run(sandbox, read_list, &reading, error);
    if (reading.no_memory && moon_arena_used_bytes(arena) > MOON_LIST_MEMORY_MAX / 2)
        status = moon_fail(error, MOON_ECONF, "%s:1: the list needs more than %u bytes of memory",
                           path, MOON_LIST_MEMORY_MAX); /* its author's fault, not the host's */
    else if (reading.no_memory)
        status = MOON_ENOMEM;
    if (status == MOON_OK)
        *list_r = reading.list;
    else if (error)
        moon_list_explain(&reading, error);
done:
    moon_sandbox_destroy(&sandbox);
    return status == MOON_ENOMEM ? moon_fail(error, status, "%s: no memory", path) : status;
}
