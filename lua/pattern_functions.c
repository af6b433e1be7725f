/* SPDX-License-Identifier: MIT
 *
 * pattern_functions: string.find, match, gmatch and gsub over the matcher of pattern.c.
 */
#include <string.h>

#include "engine/base/limits.h"
#include "lua/pattern.h"

/* Pushes capture i; the whole match when there is none and i is 0. [-0, +1] */
static void push_capture(struct moon_pattern *m, unsigned i, const char *s, const char *end)
{
    if (i >= m->level) {
        if (i != 0)
            (void)moon_sandbox_raise(m->L, "invalid capture index %%%u", i + 1);
        lua_pushlstring(m->L, s, (size_t)(end - s));
    } else if (m->captures[i].length == MOON_PATTERN_POSITION) {
        lua_pushinteger(m->L, m->captures[i].start - m->begin + 1);
    } else if (m->captures[i].length == MOON_PATTERN_OPEN) {
        (void)moon_sandbox_raise(m->L, "unfinished capture");
    } else {
        lua_pushlstring(m->L, m->captures[i].start, (size_t)m->captures[i].length);
    }
}

/* All captures; the whole match when there are none and s is not NULL. [-0, +n] */
static int push_captures(struct moon_pattern *m, const char *s, const char *end)
{
    unsigned count = m->level == 0 && s ? 1 : m->level;
    luaL_checkstack(m->L, (int)count, "too many captures");
    for (unsigned i = 0; i < count; i++)
        push_capture(m, i, s, end);
    return (int)count;
}

static struct moon_pattern begin(lua_State *L, struct moon_span subject, struct moon_span pattern)
{
    if (pattern.n > MOON_PATTERN_BYTES_MAX)
        (void)moon_sandbox_raise(L, "a pattern may have %u bytes at most", MOON_PATTERN_BYTES_MAX);
    struct moon_pattern m = {.L = L, .begin = subject.p, .end = subject.p + subject.n};
    m.pattern_end = pattern.p + pattern.n;
    return m;
}

static struct moon_span text_argument(lua_State *L, int index)
{
    struct moon_span text;
    text.p = luaL_checklstring(L, index, &text.n);
    return text;
}

/* Argument init: a place from 0; behind the end when it is too large. */
static size_t start_argument(lua_State *L, int index, size_t length)
{
    lua_Integer init = luaL_optinteger(L, index, 1);
    if (init > 0)
        return (lua_Unsigned)init - 1 > length ? length + 1 : (size_t)init - 1;
    if (init == 0 || (lua_Unsigned)0 - (lua_Unsigned)init > length)
        return 0;
    return length - ((size_t)0 - (size_t)init);
}

static int find_plain(lua_State *L, struct moon_span subject, struct moon_span text, size_t start)
{
    moon_sandbox_charge(L, (subject.n - start) / 16 + 1);
    const char *found = memmem(subject.p + start, subject.n - start, text.p, text.n);
    if (!found) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, found - subject.p + 1);
    lua_pushinteger(L, found - subject.p + (lua_Integer)text.n);
    return 2;
}

static bool has_specials(struct moon_span pattern)
{
    for (size_t i = 0; i < pattern.n; i++)
        if (pattern.p[i] && strchr("^$*+?.([%-", pattern.p[i]))
            return true;
    return false;
}

static int find_or_match(lua_State *L, bool find)
{
    struct moon_span subject = text_argument(L, 1), pattern = text_argument(L, 2);
    size_t start = start_argument(L, 3, subject.n);
    if (start > subject.n) {
        lua_pushnil(L);
        return 1;
    }
    moon_sandbox_charge(L, pattern.n / 4); /* it is read for specials, then searched for */
    if (find && (lua_toboolean(L, 4) || !has_specials(pattern)))
        return find_plain(L, subject, pattern, start);
    struct moon_pattern m = begin(L, subject, pattern);
    bool anchored = pattern.n && pattern.p[0] == '^';
    const char *p = pattern.p + anchored;
    for (const char *s = subject.p + start; s <= m.end; s++) {
        const char *end = moon_pattern_attempt(&m, s, p);
        if (end && find) {
            lua_pushinteger(L, s - subject.p + 1);
            lua_pushinteger(L, end - subject.p);
            return push_captures(&m, NULL, NULL) + 2;
        }
        if (end)
            return push_captures(&m, s, end);
        if (anchored)
            break;
    }
    lua_pushnil(L);
    return 1;
}

/* string.find(text, pattern [, init [, plain]]) [-0, +n], may raise */
static int script_find(lua_State *L)
{
    return find_or_match(L, true);
}

/* string.match(text, pattern [, init]) [-0, +n], may raise */
static int script_match(lua_State *L)
{
    return find_or_match(L, false);
}

/* Upvalues: text, pattern, place of the next attempt, end of the last match (-1: none). */
static int gmatch_step(lua_State *L)
{
    struct moon_span subject = text_argument(L, lua_upvalueindex(1));
    struct moon_span pattern = text_argument(L, lua_upvalueindex(2));
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    struct moon_pattern m = begin(L, subject, pattern);
    for (const char *s = subject.p + lua_tointeger(L, lua_upvalueindex(3)); s <= m.end; s++) {
        const char *end = moon_pattern_attempt(&m, s, pattern.p);
        if (!end || end - subject.p == last)
            continue;
        lua_pushinteger(L, end - subject.p);
        lua_pushvalue(L, -1);
        lua_replace(L, lua_upvalueindex(3));
        lua_replace(L, lua_upvalueindex(4));
        return push_captures(&m, s, end);
    }
    return 0;
}

/* string.gmatch(text, pattern [, init]) [-0, +1], may raise */
static int script_gmatch(lua_State *L)
{
    size_t length = text_argument(L, 1).n;
    (void)text_argument(L, 2); /* checks the type */
    lua_Integer start = (lua_Integer)start_argument(L, 3, length);
    lua_settop(L, 2);
    lua_pushinteger(L, start);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, gmatch_step, 4);
    return 1;
}

/* Adds the replacement text with its %0 to %9. */
static void add_text(struct moon_pattern *m, luaL_Buffer *buffer, const char *s, const char *end)
{
    struct moon_buf text = moon_buf_of(text_argument(m->L, 3));
    moon_sandbox_charge(m->L, text.left / 16 + 1);
    while (!moon_buf_at_end(&text)) {
        struct moon_span plain = moon_buf_until(&text, '%');
        luaL_addlstring(buffer, plain.p, plain.n);
        if (!moon_buf_skip(&text, '%'))
            break;
        int c = moon_buf_byte(&text);
        if (c == '%') {
            luaL_addchar(buffer, '%');
        } else if (c == '0') {
            luaL_addlstring(buffer, s, (size_t)(end - s));
        } else if (c >= '1' && c <= '9') {
            push_capture(m, (unsigned)(c - '1'), s, end);
            (void)luaL_tolstring(m->L, -1, NULL); /* a position becomes a text */
            lua_remove(m->L, -2);
            luaL_addvalue(buffer);
        } else {
            (void)moon_sandbox_raise(m->L, "invalid use of '%%' in a replacement");
        }
    }
}

/* Adds what argument 3 makes of one match. */
static void add_replacement(struct moon_pattern *m, luaL_Buffer *buffer, const char *s,
                            const char *end)
{
    lua_State *L = m->L;
    int type = lua_type(L, 3);
    if (type == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(m, s, end), 1);
    } else if (type == LUA_TTABLE) {
        push_capture(m, 0, s, end);
        (void)lua_gettable(L, 3);
    } else {
        add_text(m, buffer, s, end);
        return;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(buffer, s, (size_t)(end - s)); /* keeps the original */
    } else if (!lua_isstring(L, -1)) {
        (void)moon_sandbox_raise(L, "a replacement must be a text, not a %s", luaL_typename(L, -1));
    } else {
        luaL_addvalue(buffer);
    }
}

/* string.gsub(text, pattern, replacement [, n]) [-0, +2], may raise */
static int script_gsub(lua_State *L)
{
    struct moon_span subject = text_argument(L, 1), pattern = text_argument(L, 2);
    int type = lua_type(L, 3);
    luaL_argexpected(L,
                     type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
                         type == LUA_TTABLE,
                     3, "string/function/table");
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)subject.n + 1), count = 0;
    bool anchored = pattern.n && pattern.p[0] == '^';
    const char *p = pattern.p + anchored, *s = subject.p, *last = NULL;
    struct moon_pattern m = begin(L, subject, pattern);
    luaL_Buffer buffer;

    luaL_buffinit(L, &buffer);
    while (count < most) {
        const char *end = moon_pattern_attempt(&m, s, p);
        if (end && end != last) {
            count++;
            add_replacement(&m, &buffer, s, end);
            s = last = end;
        } else if (s < m.end) {
            luaL_addchar(&buffer, *s);
            s++;
        } else {
            break;
        }
        if (anchored)
            break;
    }
    luaL_addlstring(&buffer, s, (size_t)(m.end - s));
    luaL_pushresult(&buffer);
    lua_pushinteger(L, count);
    return 2;
}

void moon_pattern_functions(lua_State *L)
{
    static const luaL_Reg functions[] = {{"find", script_find},
                                         {"match", script_match},
                                         {"gmatch", script_gmatch},
                                         {"gsub", script_gsub},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
