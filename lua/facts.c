/* SPDX-License-Identifier: MIT
 *
 * facts: records, the read-only values by which a policy reads the message. A record is a userdata
 * {kind, object, index}; one metatable serves all kinds. Reading a field that is not there raises
 * an error that names the right one.
 */
#include "lua/facts.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/nearest.h"

#define METATABLE "moonscan.record"

struct reference {
    const struct moon_record *record;
    const void *object;
    size_t index;
};

void moon_facts_note(struct moon_decide *decide, const char *format, ...)
{
    char name[300];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(name, sizeof name, format, args); /* a long header name is cut */
    va_end(args);
    for (char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            *c = '?';
    for (size_t i = 0; i < decide->fact_count; i++)
        if (!strcmp(decide->facts[i], name))
            return;
    if (decide->fact_count >= MOON_FACTS_MAX)
        return;
    const char **larger =
        moon_arena_append(decide->arena, decide->facts, decide->fact_count, sizeof *decide->facts);
    const char *copy = larger ? moon_arena_cstr(decide->arena, name) : NULL;
    if (!copy) {
        decide->no_memory = true;
        return;
    }
    decide->facts = larger;
    decide->facts[decide->fact_count++] = copy;
}

int moon_facts_unknown(lua_State *L, const char *what, const char *field, const char *const *names,
                       size_t count)
{
    struct moon_nearest nearest = {0};
    struct moon_span word = moon_span_of(field);
    char known[300] = "";
    moon_sandbox_charge(L, 10 * count + word.n / 16);
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(known);
        moon_nearest_offer(&nearest, word, names[i]);
        (void)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", names[i]);
    }
    if (nearest.best)
        return moon_sandbox_raise(L, "%s has no field '%.60s'; did you mean '%s'?", what, field,
                                  nearest.best);
    return moon_sandbox_raise(L, "%s has no field '%.60s'; it has: %s", what, field, known);
}

static int unknown_fact(lua_State *L, const struct reference *reference, const char *field)
{
    const char *names[64];
    size_t count = 0;
    for (const struct moon_fact *f = reference->record->facts; f->name && count < 64; f++)
        names[count++] = f->name;
    return moon_facts_unknown(L, reference->record->name, field, names, count);
}

static void push_text(lua_State *L, const char *text)
{
    if (text)
        lua_pushstring(L, text);
    else
        lua_pushnil(L);
}

static void push_fact(lua_State *L, const struct reference *reference, const struct moon_fact *f)
{
    const char *at = (const char *)reference->object + f->offset;
    switch (f->kind) {
    case MOON_FACT_TEXT:
        push_text(L, *(const char *const *)(const void *)at);
        break;
    case MOON_FACT_RESULT:
        lua_pushstring(L, moon_result_name(*(const enum moon_result *)(const void *)at));
        break;
    case MOON_FACT_BOOL:
        lua_pushboolean(L, *(const bool *)at);
        break;
    case MOON_FACT_UNSIGNED:
        lua_pushinteger(L, *(const unsigned *)(const void *)at);
        break;
    case MOON_FACT_SIZE:
        lua_pushinteger(L, (lua_Integer) * (const size_t *)(const void *)at);
        break;
    case MOON_FACT_INT64: {
        int64_t value = *(const int64_t *)(const void *)at;
        if (value < 0)
            lua_pushnil(L);
        else
            lua_pushinteger(L, value);
        break;
    }
    case MOON_FACT_PORT: {
        uint16_t port = *(const uint16_t *)(const void *)at;
        if (port == 0)
            lua_pushnil(L);
        else
            lua_pushinteger(L, port);
        break;
    }
    case MOON_FACT_PUSH:
        f->push(L, reference->object);
        break;
    }
}

static void note(struct moon_decide *decide, const struct reference *reference, const char *field)
{
    const char *path = reference->record->path;
    if (!path)
        return;
    if (reference->index)
        moon_facts_note(decide, "%s[%zu].%s", path, reference->index, field);
    else
        moon_facts_note(decide, "%s%s%s", path, *path ? "." : "", field);
}

/* record[name] and record[number] [-0, +1], may raise */
static int record_index(lua_State *L)
{
    const struct reference *reference = luaL_checkudata(L, 1, METATABLE);
    const struct moon_record *record = reference->record;
    moon_sandbox_charge(L, 2);
    if (lua_isinteger(L, 2) && record->count) {
        lua_Integer i = lua_tointeger(L, 2);
        if (i >= 1 && (lua_Unsigned)i <= record->count(reference->object))
            record->item(L, reference->object, (size_t)i);
        else
            lua_pushnil(L);
        return 1;
    }
    if (lua_type(L, 2) != LUA_TSTRING)
        return moon_sandbox_raise(L, "%s has no field of type %s", record->name,
                                  luaL_typename(L, 2));
    const char *field = lua_tostring(L, 2);
    for (const struct moon_fact *f = record->facts; f->name; f++) {
        if (strcmp(f->name, field) != 0)
            continue;
        /* Records and functions inside are no facts: what is read of them is. */
        push_fact(L, reference, f);
        if (!lua_isfunction(L, -1) && !lua_isuserdata(L, -1))
            note(moon_sandbox_context(L), reference, field);
        return 1;
    }
    return unknown_fact(L, reference, field);
}

static int record_newindex(lua_State *L)
{
    const struct reference *reference = luaL_checkudata(L, 1, METATABLE);
    return moon_sandbox_raise(L, "%s is read-only", reference->record->name);
}

static int record_len(lua_State *L)
{
    const struct reference *reference = luaL_checkudata(L, 1, METATABLE);
    if (!reference->record->count)
        return moon_sandbox_raise(L, "%s is no list", reference->record->name);
    if (reference->record->path)
        moon_facts_note(moon_sandbox_context(L), "#%s", reference->record->path);
    lua_pushinteger(L, (lua_Integer)reference->record->count(reference->object));
    return 1;
}

static int record_tostring(lua_State *L)
{
    const struct reference *reference = luaL_checkudata(L, 1, METATABLE);
    lua_pushstring(L, reference->record->name);
    return 1;
}

/* Two records are the same when they show the same thing. */
static int record_eq(lua_State *L)
{
    const struct reference *a = luaL_testudata(L, 1, METATABLE);
    const struct reference *b = luaL_testudata(L, 2, METATABLE);
    lua_pushboolean(L, a && b && a->record == b->record && a->object == b->object);
    return 1;
}

void moon_record_push(lua_State *L, const struct moon_record *record, const void *object,
                      size_t index)
{
    struct reference *reference = lua_newuserdatauv(L, sizeof *reference, 0);
    *reference = (struct reference){record, object, index};
    if (luaL_newmetatable(L, METATABLE)) {
        static const luaL_Reg events[] = {
            {"__index", record_index}, {"__newindex", record_newindex},
            {"__len", record_len},     {"__tostring", record_tostring},
            {"__eq", record_eq},       {NULL, NULL}};
        luaL_setfuncs(L, events, 0);
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
}

const void *moon_record_test(lua_State *L, int index, const struct moon_record *record)
{
    const struct reference *reference = luaL_testudata(L, index, METATABLE);
    return reference && reference->record == record ? reference->object : NULL;
}

const void *moon_record_check(lua_State *L, int index, const struct moon_record *record)
{
    const void *object = moon_record_test(L, index, record);
    if (!object)
        (void)moon_sandbox_raise(L, "call this function of %s with a colon", record->name);
    return object;
}
