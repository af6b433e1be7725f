/* SPDX-License-Identifier: MIT
 *
 * module: what require "moonscan" gives: the constructors of verdicts (verdicts.c) and the
 * functions of the table below, each in the file of its subject. A name that is not there is an
 * error which says the nearest right one.
 */
#include <string.h>

#include "lua/facts.h"
#include "lua/profiles.h"

/* moon.list(name) [-1, +1], may raise */
static int script_list(lua_State *L)
{
    struct moon_decide *decide = moon_sandbox_context(L);
    struct moon_error error = {""};
    size_t n;
    const char *name = luaL_checklstring(L, 1, &n);
    if (strlen(name) != n) /* NUL bytes are no end of a name */
        name = "";
    const struct moon_list *list = decide->list(decide, name, &error);
    moon_sandbox_check_clock(L); /* a list that is read for the first time has limits of its own */
    if (!list)
        return moon_sandbox_raise(L, "moon.list \"%.64s\": %s", name, error.text);
    moon_lists_push(L, list);
    return 1;
}

/* In alphabetical order. */
static const luaL_Reg functions[] = {
    {"count", moon_questions_count},           {"dns", moon_questions_dns},
    {"first_seen", moon_questions_first_seen}, {"list", script_list},
    {"profile", moon_profiles_open},           {"retry_within", moon_questions_retry_within},
};
#define FUNCTION_COUNT (sizeof functions / sizeof functions[0])

/* A name of moon that is not there. */
static int no_name(lua_State *L)
{
    const char *names[5 + FUNCTION_COUNT] = {"accept", "quarantine", "reject", "defer", "discard"};
    const char *name = luaL_checkstring(L, 2);
    for (size_t i = 0; i < FUNCTION_COUNT; i++)
        names[5 + i] = functions[i].name;
    return moon_facts_unknown(L, "moon", name, names, sizeof names / sizeof names[0]);
}

void moon_module_push(lua_State *L)
{
    lua_createtable(L, 0, 5 + (int)FUNCTION_COUNT);
    moon_verdicts_push_constructors(L);
    for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        lua_pushcfunction(L, functions[i].func);
        lua_setfield(L, -2, functions[i].name);
    }
    lua_createtable(L, 0, 3);
    lua_pushcfunction(L, no_name);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "__moon");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
}
