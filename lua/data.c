/* SPDX-License-Identifier: MIT
 *
 * data: fields of data files. Procedure of each function: take the field, check it, copy it.
 */
#include "lua/data.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/nearest.h"
#include "engine/message/domain.h"
#include "lua/lines.h"

struct moon_data *moon_data_of(lua_State *L)
{
    return moon_sandbox_context(L);
}

int moon_data_wrong(lua_State *L, const char *place, const char *field, const char *format, ...)
{
    const struct moon_data *data = moon_data_of(L);
    char path[160], what[300];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args); /* cut: a message for people */
    va_end(args);
    (void)snprintf(path, sizeof path, "%.70s%s%.80s", place, *place && field ? "." : "",
                   field ? field : "");
    (void)lua_pushfstring(L, "%s:%d: %s", data->path, moon_lines_find(data->source, path), what);
    return lua_error(L);
}

/* Never returns. */
static int out_of_memory(lua_State *L)
{
    moon_data_of(L)->no_memory = true;
    return lua_error(L); /* what is on the stack; the caller sees no_memory */
}

void *moon_data_array(lua_State *L, size_t count, size_t size)
{
    void *items = moon_arena_array(moon_data_of(L)->arena, count, size);
    if (!items)
        (void)out_of_memory(L); /* never returns */
    return items;
}

void *moon_data_append(lua_State *L, void *items, size_t count, size_t size)
{
    void *larger = moon_arena_append(moon_data_of(L)->arena, items, count, size);
    if (!larger)
        (void)out_of_memory(L); /* never returns */
    return larger;
}

void moon_data_check_names(lua_State *L, const char *place, const char *const *names, size_t count,
                           bool items)
{
    for (lua_pushnil(L); lua_next(L, -2);) {
        lua_pop(L, 1);
        moon_sandbox_charge(L, 2);
        if (items && lua_isinteger(L, -1))
            continue;
        const char *key = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
        struct moon_nearest nearest = {0};
        bool known = false;
        for (size_t i = 0; key && i < count; i++) {
            known = known || !strcmp(key, names[i]);
            moon_nearest_offer(&nearest, moon_span_of(key), names[i]);
        }
        if (!known)
            (void)moon_data_wrong(L, place, key, "there is no field '%.60s'%s%s%s",
                                  key ? key : "[number]", nearest.best ? "; did you mean '" : "",
                                  nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
    }
}

static const char *word_of(int type)
{
    switch (type) {
    case LUA_TSTRING:
        return "text";
    case LUA_TTABLE:
        return "list";
    case LUA_TNUMBER:
        return "number";
    case LUA_TBOOLEAN:
        return "true or false";
    default:
        return "function";
    }
}

bool moon_data_push(lua_State *L, const char *place, const char *field, int type)
{
    lua_pushstring(L, field);
    int got = lua_rawget(L, -2);
    if (got == LUA_TNIL) {
        lua_pop(L, 1);
        return false;
    }
    if (got != type)
        (void)moon_data_wrong(L, place, field, "%s must be a %s, not a %s", field, word_of(type),
                              lua_typename(L, got));
    return true;
}

/* The text at the top, of one line. */
static const char *keep(lua_State *L, const char *place, const char *field)
{
    struct moon_span text;
    text.p = lua_tolstring(L, -1, &text.n);
    if (text.n == 0 || text.n > MOON_DATA_TEXT_MAX)
        (void)moon_data_wrong(L, place, field, "%s: a text of 1 to %u bytes is wanted", field,
                              MOON_DATA_TEXT_MAX);
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            (void)moon_data_wrong(L, place, field, "%s: a text of one line is wanted", field);
    const char *copy = moon_arena_dup(moon_data_of(L)->arena, text);
    if (!copy)
        (void)out_of_memory(L); /* never returns */
    return copy;
}

const char *moon_data_text(lua_State *L, const char *place, const char *field, bool needed)
{
    if (!moon_data_push(L, place, field, LUA_TSTRING)) {
        if (needed)
            (void)moon_data_wrong(L, place, NULL, "%s is missing", field);
        return NULL;
    }
    const char *text = keep(L, place, field);
    lua_pop(L, 1);
    return text;
}

const char *moon_data_date(lua_State *L, const char *place, const char *field)
{
    static const uint64_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint64_t year = 0, month = 0, day = 0;
    const char *date = moon_data_text(L, place, field, true);
    struct moon_span text = moon_span_of(date);
    if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-' ||
        !moon_span_number(moon_span_sub(text, 0, 4), 9999, &year) || year < 1970 ||
        !moon_span_number(moon_span_sub(text, 5, 2), 12, &month) || month < 1 ||
        !moon_span_number(moon_span_sub(text, 8, 2), days[month - 1], &day) || day < 1)
        (void)moon_data_wrong(L, place, field, "%s must be a date like \"2027-12-31\"", field);
    return date;
}

const char **moon_data_texts(lua_State *L, const char *place, const char *field, size_t *count_r)
{
    *count_r = 0;
    if (!moon_data_push(L, place, field, LUA_TTABLE))
        return NULL;
    size_t count = lua_rawlen(L, -1);
    if (count == 0 || count > MOON_LIST_ENTRIES_MAX)
        (void)moon_data_wrong(L, place, field, "%s: a list with something in it is wanted", field);
    const char **texts = moon_data_array(L, count, sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        moon_sandbox_charge(L, 4);
        if (lua_rawgeti(L, -1, (lua_Integer)i + 1) != LUA_TSTRING)
            (void)moon_data_wrong(L, place, field, "%s: a list of texts is wanted", field);
        texts[i] = keep(L, place, field);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    *count_r = count;
    return texts;
}

const char *moon_data_domain(lua_State *L, const char *place, const char *field, const char *text)
{
    struct moon_arena *arena = moon_data_of(L)->arena;
    const char *domain = moon_domain_normalize(arena, moon_span_of(text));
    if (!domain && moon_arena_failed(arena))
        (void)out_of_memory(L); /* never returns */
    if (!domain || !strchr(domain, '.'))
        (void)moon_data_wrong(L, place, field, "%s: '%.80s' is no domain", field, text);
    return domain;
}
