/* SPDX-License-Identifier: MIT
 *
 * library: the globals of a script, by allow-list. What is listed here is taken from the standard
 * libraries, and what would be unsafe (no limit inside, addresses, random order) is our own.
 * Functions that work through a whole string are charged by its length.
 *
 * Lua gives its standard functions only as tables of a state. They are looked up once per process,
 * in a state made for that, and set one by one afterwards: to open the libraries for each decision
 * would cost more than most policies do.
 */
#include <lualib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/nearest.h"
#include "lua/sandbox.h"

static const char *const base_names[] = {"assert", "error",  "ipairs", "rawequal", "rawlen",
                                         "rawget", "select", "type",   NULL};
static const char *const string_names[] = {"char", "len", NULL};
static const char *const math_names[] = {"abs",        "ceil", "floor",      "fmod", "huge", "max",
                                         "maxinteger", "min",  "mininteger", "modf", "pi",   "sqrt",
                                         "tointeger",  "type", "ult",        NULL};
static const char *const charged_base_names[] = {"tonumber", NULL};
static const char *const charged_string_names[] = {"byte", "lower", "reverse",
                                                   "sub",  "upper", NULL};
static const char *const format_name[] = {"format", NULL};
static const char *const charged_utf8_names[] = {"char", "codepoint", "len", "offset", NULL};

#define NAMES_MAX 16 /* more than any list above has */

/* Functions of one library; they are the process's, once it has looked. */
enum { BASE, CHARGED_BASE, STRING, CHARGED_STRING, FORMAT, MATH, CHARGED_UTF8 };
static struct standard {
    lua_CFunction open;
    const char *const *names;
    bool charged;
    lua_CFunction functions[NAMES_MAX]; /* NULL: a number, see push_number */
} standards[] = {
    [BASE] = {.open = luaopen_base, .names = base_names},
    [CHARGED_BASE] = {.open = luaopen_base, .names = charged_base_names, .charged = true},
    [STRING] = {.open = luaopen_string, .names = string_names},
    [CHARGED_STRING] = {.open = luaopen_string, .names = charged_string_names, .charged = true},
    [FORMAT] = {.open = luaopen_string, .names = format_name},
    [MATH] = {.open = luaopen_math, .names = math_names},
    [CHARGED_UTF8] = {.open = luaopen_utf8, .names = charged_utf8_names, .charged = true},
};
static bool looked; /* all of the above are there */

/* What people look for and what to say. */
static const char *const absent[][2] = {
    {"next", "use pairs, which goes in sorted order"},
    {"print", "a policy has no output; use the field reason of a verdict"},
    {"os", "a policy is a function of its facts only"},
    {"io", "a policy reads no files; use moon.list"},
    {"load", "sources are text files that are published"},
    {"loadstring", "sources are text files that are published"},
    {"dofile", "sources are text files that are published"},
    {"loadfile", "sources are text files that are published"},
    {"debug", "it would break the sandbox"},
    {"coroutine", "it would break the sandbox"},
    {"collectgarbage", "memory is the sandbox's"},
    {"rawset", "facts are read-only"},
    {"xpcall", "use pcall"},
    {"package", "only require \"moonscan\" is there"},
    {"moon", "write: local moon <const> = require \"moonscan\""},
};

#define FLOAT_COST 4096 /* of a float in string.format, in bytes: up to 400 digits are computed */

const char *moon_library_absent(struct moon_span name)
{
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        if (moon_span_is(name, absent[i][0]))
            return absent[i][1];
    return NULL;
}

/* Calls upvalue 1 with the same arguments, charged by the length of the first. */
static int call_charged(lua_State *L)
{
    lua_CFunction function = lua_tocfunction(L, lua_upvalueindex(1));
    size_t length = lua_type(L, 1) == LUA_TSTRING ? lua_rawlen(L, 1) : 0;
    moon_sandbox_charge(L, length / 16 + 1);
    return function(L);
}

static int look(lua_State *L)
{
    for (struct standard *s = standards; s < standards + sizeof standards / sizeof *standards;
         s++) {
        if (s == standards || s->open != s[-1].open) { /* those of one library stand together */
            lua_settop(L, 0);
            lua_pushcfunction(L, s->open);
            lua_call(L, 0, 1);
        }
        for (size_t i = 0; s->names[i]; i++) {
            (void)lua_getfield(L, 1, s->names[i]);
            s->functions[i] = lua_tocfunction(L, -1);
            lua_pop(L, 1);
        }
    }
    return 0;
}

/* False without memory. */
static bool have_looked(void)
{
    if (looked)
        return true;
    lua_State *L = luaL_newstate();
    if (!L)
        return false;
    lua_pushcfunction(L, look);
    looked = lua_pcall(L, 0, 0, 0) == LUA_OK;
    lua_close(L);
    return looked;
}

/* The four of math that are no functions. [-0, +1] */
static void push_number(lua_State *L, const char *name)
{
    if (!strcmp(name, "pi"))
        lua_pushnumber(L, M_PI);
    else if (!strcmp(name, "huge"))
        lua_pushnumber(L, HUGE_VAL);
    else
        lua_pushinteger(L, !strcmp(name, "maxinteger") ? LUA_MAXINTEGER : LUA_MININTEGER);
}

/* Sets the functions in the table at the top. [-0, +0] */
static void give(lua_State *L, int which)
{
    const struct standard *s = &standards[which];
    for (size_t i = 0; s->names[i]; i++) {
        if (s->functions[i])
            lua_pushcfunction(L, s->functions[i]);
        else
            push_number(L, s->names[i]);
        if (s->charged)
            lua_pushcclosure(L, call_charged, 1);
        lua_setfield(L, -2, s->names[i]);
    }
}

/* tostring(value) [-0, +1], may raise */
static int script_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    (void)moon_sandbox_tostring(L, 1, NULL);
    return 1;
}

/* string.rep(text, n [, separator]) [-0, +1], may raise */
static int script_rep(lua_State *L)
{
    size_t length, between;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_Integer n = luaL_checkinteger(L, 2);
    const char *separator = luaL_optlstring(L, 3, "", &between);
    if (n <= 0 || length + between == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if ((lua_Unsigned)n > (1u << 30) / (length + between))
        return moon_sandbox_raise(L, "string.rep: the result would be too long");
    size_t total = (size_t)n * (length + between) - between;
    moon_sandbox_charge(L, total / 16 + 1);
    luaL_Buffer buffer;
    char *at = luaL_buffinitsize(L, &buffer, total);
    for (lua_Integer i = 0; i < n; i++) {
        memcpy(at, text, length);
        at += length;
        if (between && i + 1 < n) {
            memcpy(at, separator, between);
            at += between;
        }
    }
    luaL_pushresultsize(&buffer, total);
    return 1;
}

/* string.format(format, ...): the standard one (upvalue 1) behind a gate: no %p, no addresses.
 * [-0, +1], may raise */
static int script_format(lua_State *L)
{
    size_t length;
    const char *format = luaL_checklstring(L, 1, &length);
    size_t cost = length;
    for (size_t i = 0; i + 1 < length; i++) {
        if (format[i] != '%')
            continue;
        do
            i++;
        while (i < length && strchr("-+ #0123456789.", format[i]) && format[i]);
        if (i < length && format[i] == 'p')
            return moon_sandbox_raise(L, "string.format: %%p is not available in policies");
        if (i < length && format[i] && strchr("aAeEfFgG", format[i]))
            cost += FLOAT_COST;
    }
    int top = lua_gettop(L);
    for (int i = 2; i <= top; i++) {
        if (lua_type(L, i) > LUA_TSTRING) {
            (void)moon_sandbox_tostring(L, i, NULL);
            lua_replace(L, i);
        }
        cost += lua_type(L, i) == LUA_TSTRING ? lua_rawlen(L, i) : 8;
    }
    moon_sandbox_charge(L, cost / 16 + 1);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* setmetatable(table, metatable): keeps a copy of the metatable without __gc, __close and __mode,
 * whatever is written into it later; getmetatable still gives the original. [-0, +1], may raise */
static int script_setmetatable(lua_State *L)
{
    static const char *const events[] = {
        "__index", "__newindex", "__call", "__tostring", "__name", "__len", "__eq",  "__lt",
        "__le",    "__concat",   "__unm",  "__add",      "__sub",  "__mul", "__div", "__mod",
        "__pow",   "__idiv",     "__band", "__bor",      "__bxor", "__shl", "__shr", "__bnot"};
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    lua_settop(L, 2);
    if (luaL_getmetafield(L, 1, "__moon") != LUA_TNIL)
        return moon_sandbox_raise(L, "this metatable is protected");
    if (lua_isnil(L, 2)) {
        lua_setmetatable(L, 1);
        return 1;
    }
    static const char *const refused[] = {"__gc", "__close", "__mode", "__metatable", "__pairs"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        lua_pushstring(L, refused[i]);
        if (lua_rawget(L, 2) != LUA_TNIL)
            return moon_sandbox_raise(L, "%s is not available in policies", refused[i]);
        lua_pop(L, 1);
    }
    /* Lua calls what a table's __call is, pushing another argument each time, until it finds a
     * function: a table that is its own would keep it busy for half a minute, out of our sight. */
    lua_pushliteral(L, "__call");
    int call = lua_rawget(L, 2);
    if (call != LUA_TNIL && call != LUA_TFUNCTION)
        return moon_sandbox_raise(L, "__call must be a function");
    lua_pop(L, 1);
    lua_createtable(L, 0, 8);
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        lua_pushstring(L, events[i]);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, 2) != LUA_TNIL)
            lua_rawset(L, 3);
        else
            lua_pop(L, 2);
    }
    lua_pushvalue(L, 2);
    lua_setfield(L, 3, "__metatable");
    lua_setmetatable(L, 1);
    lua_settop(L, 1);
    return 1;
}

/* getmetatable(value): of tables only. [-0, +1] */
static int script_getmetatable(lua_State *L)
{
    luaL_checkany(L, 1);
    if (lua_type(L, 1) != LUA_TTABLE || luaL_getmetafield(L, 1, "__metatable") == LUA_TNIL)
        lua_pushnil(L);
    return 1;
}

/* The iterator of pairs: upvalues are the table, its sorted keys and the position. */
static int pairs_step(lua_State *L)
{
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(3)) + 1;
    lua_pushinteger(L, at);
    lua_replace(L, lua_upvalueindex(3));
    if (lua_rawgeti(L, lua_upvalueindex(2), at) == LUA_TNIL)
        return 1;
    lua_pushvalue(L, -1);
    lua_rawget(L, lua_upvalueindex(1));
    return 2;
}

/* Numbers before texts before booleans; other keys keep the order they come in. */
static int key_before(lua_State *L)
{
    int a = lua_type(L, 1), b = lua_type(L, 2);
    bool comparable = a == b && (a == LUA_TNUMBER || a == LUA_TSTRING);
    int rank_a = a == LUA_TNUMBER ? 0 : a == LUA_TSTRING ? 1 : a == LUA_TBOOLEAN ? 2 : 3;
    int rank_b = b == LUA_TNUMBER ? 0 : b == LUA_TSTRING ? 1 : b == LUA_TBOOLEAN ? 2 : 3;
    lua_pushboolean(L, comparable ? moon_sandbox_less(L, 1, 2) : rank_a < rank_b);
    return 1;
}

/* pairs(table): in sorted order of the keys, because Lua's own order differs from run to run and
 * the same mail must get the same verdict. Upvalue 1 is table.sort. [-0, +1], may raise */
static int script_pairs(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TTABLE)
        return moon_sandbox_raise(L, "pairs wants a table (for facts, name the fields)");
    lua_settop(L, 1);
    lua_newtable(L);
    lua_Integer count = 0;
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        moon_sandbox_charge(L, 1);
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, 2, ++count);
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 2);
    lua_pushcfunction(L, key_before);
    lua_call(L, 2, 0);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, pairs_step, 3);
    return 1;
}

/* Reading a global that is not there. */
static int no_global(lua_State *L)
{
    size_t length;
    if (lua_type(L, 2) != LUA_TSTRING)
        return moon_sandbox_raise(L, "globals are named by texts");
    const char *name = lua_tolstring(L, 2, &length);
    const char *instead = moon_library_absent((struct moon_span){name, length});
    if (instead)
        return moon_sandbox_raise(L, "'%s' is not available in policies: %s", name, instead);
    struct moon_nearest nearest = {0};
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        moon_sandbox_charge(L, 20);         /* a script may set any number of them */
        if (lua_type(L, -1) == LUA_TSTRING) /* stays valid: it is a key of the table */
            moon_nearest_offer(&nearest, (struct moon_span){name, length}, lua_tostring(L, -1));
    }
    return moon_sandbox_raise(L, "there is no variable '%.60s'%s%s%s", name,
                              nearest.best ? "; did you mean '" : "",
                              nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
}

/* The string table, also as the strings' methods. [-0, +0] */
static void open_string(lua_State *L)
{
    lua_createtable(L, 0, 16);
    give(L, STRING);
    give(L, CHARGED_STRING);
    lua_pushcfunction(L, standards[FORMAT].functions[0]);
    lua_pushcclosure(L, script_format, 1);
    lua_setfield(L, -2, "format");
    lua_pushcfunction(L, script_rep);
    lua_setfield(L, -2, "rep");
    moon_pattern_functions(L);
    lua_pushliteral(L, "");
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
    lua_setfield(L, 1, "string");
}

/* [-0, +0] */
static void open_part(lua_State *L, const char *name, int which)
{
    lua_createtable(L, 0, 16);
    give(L, which);
    lua_setfield(L, 1, name);
}

static void set_function(lua_State *L, const char *name, lua_CFunction function)
{
    lua_pushcfunction(L, function);
    lua_setfield(L, 1, name);
}

/* Builds the globals at index 1. */
static int build(lua_State *L)
{
    lua_createtable(L, 0, 32);
    give(L, BASE);
    give(L, CHARGED_BASE);
    open_string(L);
    open_part(L, "math", MATH);
    open_part(L, "utf8", CHARGED_UTF8);
    lua_createtable(L, 0, 8);
    moon_table_functions(L);
    (void)lua_getfield(L, -1, "sort");
    lua_pushcclosure(L, script_pairs, 1);
    lua_setfield(L, 1, "pairs");
    lua_setfield(L, 1, "table");
    set_function(L, "tostring", script_tostring);
    set_function(L, "pcall", moon_sandbox_pcall);
    set_function(L, "setmetatable", script_setmetatable);
    set_function(L, "getmetatable", script_getmetatable);
    lua_pushliteral(L, LUA_VERSION);
    lua_setfield(L, 1, "_VERSION");
    lua_createtable(L, 0, 3);
    lua_pushcfunction(L, no_global);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "__moon"); /* script_setmetatable leaves it alone */
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, 1);
    lua_settop(L, 1);
    return 1;
}

void moon_library_open(lua_State *L)
{
    if (!have_looked())
        (void)luaL_error(L, "no memory for the standard functions");
    lua_pushcfunction(L, build);
    lua_call(L, 0, 1);
}
