/* SPDX-License-Identifier: MIT
 *
 * table: concat, insert, remove, pack, sort, unpack. Raw access to the elements (no metamethod can
 * lengthen a loop), each element charged; sort is a heapsort, whose work is bounded whatever the
 * comparison answers.
 */
#include "lua/sandbox.h"

/* The table at argument 1 and its length, which is charged. */
static lua_Integer length_of(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer length = (lua_Integer)lua_rawlen(L, 1);
    moon_sandbox_charge(L, 1);
    return length;
}

/* table.concat(list [, separator [, i [, j]]]) [-0, +1], may raise */
static int script_concat(lua_State *L)
{
    lua_Integer length = length_of(L);
    size_t between;
    const char *separator = luaL_optlstring(L, 2, "", &between);
    lua_Integer i = luaL_optinteger(L, 3, 1), last = luaL_optinteger(L, 4, length);
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (; i <= last; i++) {
        (void)lua_rawgeti(L, 1, i);
        if (!lua_isstring(L, -1))
            return moon_sandbox_raise(L, "table.concat: element %lld is a %s, not a text",
                                      (long long)i, luaL_typename(L, -1));
        size_t bytes = lua_type(L, -1) == LUA_TSTRING ? lua_rawlen(L, -1) : 8;
        moon_sandbox_charge(L, (bytes + between) / 16 + 1);
        luaL_addvalue(&buffer);
        if (i == last)
            break; /* i + 1 might overflow */
        luaL_addlstring(&buffer, separator, between);
    }
    luaL_pushresult(&buffer);
    return 1;
}

/* table.insert(list, [place,] value) [-0, +0], may raise */
static int script_insert(lua_State *L)
{
    lua_Integer length = length_of(L);
    int top = lua_gettop(L);
    if (length == LUA_MAXINTEGER) /* a table with holes can have any length */
        return moon_sandbox_raise(L, "table.insert: the list is too long");
    lua_Integer place = length + 1;
    if (top != 2 && top != 3)
        return moon_sandbox_raise(L, "table.insert wants a list, a place if not the end, a value");
    if (top == 3) {
        place = luaL_checkinteger(L, 2);
        luaL_argcheck(L, place >= 1 && place <= length + 1, 2, "place out of bounds");
    }
    moon_sandbox_charge(L, (uint64_t)(length + 1 - place));
    for (lua_Integer i = length; i >= place; i--) {
        (void)lua_rawgeti(L, 1, i);
        lua_rawseti(L, 1, i + 1);
    }
    lua_pushvalue(L, top);
    lua_rawseti(L, 1, place);
    return 0;
}

/* table.remove(list [, place]) [-0, +1], may raise */
static int script_remove(lua_State *L)
{
    lua_Integer length = length_of(L), place = luaL_optinteger(L, 2, length);
    if (lua_gettop(L) >= 2)
        luaL_argcheck(L, length == 0 || (place >= 1 && place - 1 <= length), 2,
                      "place out of bounds");
    (void)lua_rawgeti(L, 1, place);
    if (place >= 1 && place <= length) {
        moon_sandbox_charge(L, (uint64_t)(length - place));
        for (lua_Integer i = place; i < length; i++) {
            (void)lua_rawgeti(L, 1, i + 1);
            lua_rawseti(L, 1, i);
        }
        lua_pushnil(L);
        lua_rawseti(L, 1, length);
    }
    return 1;
}

/* table.pack(...) [-0, +1] */
static int script_pack(lua_State *L)
{
    int count = lua_gettop(L);
    moon_sandbox_charge(L, (uint64_t)count);
    lua_createtable(L, count, 1);
    lua_insert(L, 1);
    for (int i = count; i >= 1; i--)
        lua_rawseti(L, 1, i);
    lua_pushinteger(L, count);
    lua_setfield(L, 1, "n");
    return 1;
}

/* table.unpack(list [, i [, j]]) [-0, +n], may raise */
static int script_unpack(lua_State *L)
{
    lua_Integer length = length_of(L);
    lua_Integer i = luaL_optinteger(L, 2, 1), last = luaL_optinteger(L, 3, length);
    if (i > last)
        return 0;
    if ((lua_Unsigned)last - (lua_Unsigned)i >= 10000)
        return moon_sandbox_raise(L, "table.unpack: too many values");
    int count = (int)(last - i) + 1;
    moon_sandbox_charge(L, (uint64_t)count);
    luaL_checkstack(L, count, "table.unpack");
    for (int k = 0; k < count; k++)
        (void)lua_rawgeti(L, 1, i + k);
    return count;
}

/* Is the element at stack index a before the one at b? [-0, +0] */
static bool before(lua_State *L, int a, int b)
{
    moon_sandbox_charge(L, 4);
    if (lua_isnil(L, 2))
        return moon_sandbox_less(L, a, b);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, a);
    lua_pushvalue(L, b);
    lua_call(L, 2, 1);
    bool answer = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return answer;
}

/* Lets the element at `root` sink until no child of it is greater. [-0, +0] */
static void sink(lua_State *L, lua_Integer root, lua_Integer last)
{
    while (root <= last / 2) {
        lua_Integer child = 2 * root;
        (void)lua_rawgeti(L, 1, child); /* 3: the greater child */
        if (child < last) {
            (void)lua_rawgeti(L, 1, child + 1);
            if (before(L, 3, 4)) {
                lua_replace(L, 3);
                child++;
            } else {
                lua_pop(L, 1);
            }
        }
        (void)lua_rawgeti(L, 1, root); /* 4 */
        if (!before(L, 4, 3)) {
            lua_pop(L, 2);
            return;
        }
        lua_rawseti(L, 1, child);
        lua_rawseti(L, 1, root);
        root = child;
    }
}

/* table.sort(list [, before]) [-0, +0], may raise */
static int script_sort(lua_State *L)
{
    lua_Integer length = length_of(L);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    for (lua_Integer root = length / 2; root >= 1; root--)
        sink(L, root, length);
    for (lua_Integer last = length; last > 1; last--) {
        (void)lua_rawgeti(L, 1, 1);
        (void)lua_rawgeti(L, 1, last);
        lua_rawseti(L, 1, 1);
        lua_rawseti(L, 1, last);
        sink(L, 1, last - 1);
    }
    return 0;
}

void moon_table_functions(lua_State *L)
{
    static const luaL_Reg functions[] = {{"concat", script_concat},
                                         {"insert", script_insert},
                                         {"pack", script_pack},
                                         {"remove", script_remove},
                                         {"sort", script_sort},
                                         {"unpack", script_unpack},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
