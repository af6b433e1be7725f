/* SPDX-License-Identifier: MIT
 *
 * profiles: moon.profile. 1. The rules (policies/profiles/rules.lua) and the profile are loaded
 * into the state of the policy that asks, from bytecode compiled once per worker. 2. The rules make
 * functions of the profile's data. 3. What a policy gets are a table that it can only read, and
 * three functions behind checks of their arguments.
 */
#include "lua/profiles.h"

#include <stdlib.h>
#include <string.h>

#include "lua/facts.h"

#define RULES     "moonscan.rules"
#define NAMES_MAX 16

static struct moon_decide *decide_of(lua_State *L)
{
    return moon_sandbox_context(L);
}

/* --- tables that can only be read ----------------------------------------------------------------
 */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Upvalues: the table, what it is called. A name that is not there is an error. */
static int closed_index(lua_State *L)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    lua_settop(L, 2);
    if (lua_type(L, 2) != LUA_TSTRING)
        return moon_sandbox_raise(L, "%s has no field of type %s",
                                  lua_tostring(L, lua_upvalueindex(2)), luaL_typename(L, 2));
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    for (lua_pushnil(L); lua_next(L, lua_upvalueindex(1)) && count < NAMES_MAX; lua_pop(L, 1))
        names[count++] = lua_tostring(L, -2); /* keys of a table of ours stay */
    qsort(names, count, sizeof names[0], compare_names);
    return moon_facts_unknown(L, lua_tostring(L, lua_upvalueindex(2)), lua_tostring(L, 2), names,
                              count);
}

/* Upvalue: what it is called. */
static int closed_newindex(lua_State *L)
{
    return moon_sandbox_raise(L, "%s is read-only", lua_tostring(L, lua_upvalueindex(1)));
}

/* Puts the table at the top behind one that can only be read. [-1, +1] */
static void close_table(lua_State *L, const char *what)
{
    lua_newtable(L);
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, -3);
    lua_pushstring(L, what);
    lua_pushcclosure(L, closed_index, 2);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, what);
    lua_pushcclosure(L, closed_newindex, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "__moon"); /* script_setmetatable leaves it alone */
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

/* --- what the rules get --------------------------------------------------------------------------
 */

/* host.note(text) [-1, +0] */
static int host_note(lua_State *L)
{
    moon_facts_note(decide_of(L), "%s", luaL_checkstring(L, 1));
    return 0;
}

/* host.bulk(messages, sticky): true, false, or nil when nobody can tell [-2, +1], may raise */
static int host_bulk(lua_State *L)
{
    bool bulk;
    if (moon_sender_bulk(L, luaL_checkinteger(L, 1), lua_toboolean(L, 2), &bulk))
        lua_pushboolean(L, bulk);
    else
        lua_pushnil(L);
    return 1;
}

/* host.closed(table, what) [-2, +1], may raise */
static int host_closed(lua_State *L)
{
    const char *what = luaL_checkstring(L, 2);
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushvalue(L, 1);
    close_table(L, what);
    return 1;
}

static void push_host(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"note", host_note}, {"bulk", host_bulk}, {"closed", host_closed}, {NULL, NULL}};
    luaL_newlib(L, functions);
}

/* --- what a policy gets --------------------------------------------------------------------------
 */

/* The value of { bulk = true } at index 3: pushes true, false or nil. */
static void push_option(lua_State *L, const char *what)
{
    static const char *const names[] = {"bulk"};
    if (lua_isnoneornil(L, 3)) {
        lua_pushnil(L);
        return;
    }
    if (!lua_istable(L, 3))
        (void)moon_sandbox_raise(L, "%s: its second argument is a table: { bulk = true }", what);
    for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) {
        moon_sandbox_charge(L, 2);
        if (lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), names[0]) != 0)
            (void)moon_facts_unknown(
                L, what, lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "[1]", names, 1);
        if (!lua_isboolean(L, -1))
            (void)moon_sandbox_raise(L, "%s: bulk is true or false, not a %s", what,
                                     luaL_typename(L, -1));
    }
    lua_pushstring(L, names[0]);
    (void)lua_rawget(L, 3);
}

/* profile:check(m), :unmet(m), :applies(m). Upvalues: the function of the rules, the name for
 * messages ("microsoft:check"). [-n, +1], may raise */
static int profile_call(lua_State *L)
{
    const char *what = lua_tostring(L, lua_upvalueindex(2));
    if (!moon_record_test(L, 2, &moon_record_message))
        return moon_sandbox_raise(L, "%s wants the message, after a colon: %s(m)", what, what);
    moon_sandbox_charge(L, 20);
    push_option(L, what);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -3);
    lua_call(L, 2, 1);
    return 1;
}

/* Loads and runs a chunk. [-0, +1], may raise */
static void run(lua_State *L, const char *name)
{
    struct moon_decide *decide = decide_of(L);
    struct moon_error error = {""};
    struct moon_span code;
    const char *path;
    bool found = decide->profile(decide, name, &code, &path, &error);
    moon_sandbox_check_clock(L); /* what is compiled for the first time has limits of its own */
    if (!found)
        (void)moon_sandbox_raise(L, "moon.profile \"%.64s\": %s", name ? name : "", error.text);
    (void)lua_getfield(L, LUA_REGISTRYINDEX, MOON_GLOBALS);
    moon_sandbox_load_compiled(L, code, path);
    lua_call(L, 0, 1);
}

/* Pushes the function `make` of the rules, which are loaded once per run. [-0, +1] */
static void push_make(lua_State *L)
{
    if (lua_getfield(L, LUA_REGISTRYINDEX, RULES) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    run(L, NULL);
    (void)lua_getfield(L, -1, "make");
    lua_remove(L, -2);
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, RULES);
}

int moon_profiles_open(lua_State *L)
{
    static const char *const calls[] = {"check", "unmet", "applies"};
    static const char *const data[] = {"name", "title", "dated"};
    const char *name = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    run(L, name);
    push_make(L);
    push_host(L);
    lua_pushvalue(L, 2);
    lua_call(L, 2, 1);
    lua_createtable(L, 0, 6); /* index 2: the profile, 3: its functions, 4: what is given */
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        (void)lua_getfield(L, 3, calls[i]);
        lua_pushfstring(L, "%s:%s", name, calls[i]);
        lua_pushcclosure(L, profile_call, 2);
        lua_setfield(L, 4, calls[i]);
    }
    for (size_t i = 0; i < sizeof data / sizeof data[0]; i++) {
        (void)lua_getfield(L, 2, data[i]);
        lua_setfield(L, 4, data[i]);
    }
    close_table(L, "the profile");
    return 1;
}
