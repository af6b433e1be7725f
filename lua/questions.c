/* SPDX-License-Identifier: MIT
 *
 * questions: what a policy asks beyond the message, as functions of require "moonscan". Each goes
 * through engine/verdict/asks.h, which counts, bounds and records it. No answer is nil, never an
 * error: a store that is down must not make a policy fail. What is written wrong in the policy is
 * an error at its line, answer or not.
 */
#include <string.h>

#include "engine/base/budget.h"
#include "engine/base/limits.h"
#include "lua/facts.h"

#define QUESTION_COST 100 /* in instructions: the record, and finding the answer */

static struct moon_asks *asks_of(lua_State *L)
{
    return ((struct moon_decide *)moon_sandbox_context(L))->input->asks;
}

/* The table of named fields at index 1, and nothing else in it. */
static void check_fields(lua_State *L, const char *what, const char *const *names, size_t count)
{
    if (!lua_istable(L, 1) || luaL_getmetafield(L, 1, "__index") != LUA_TNIL)
        (void)moon_sandbox_raise(L, "%s wants a table, like %s { key = m.from.domain }", what,
                                 what);
    lua_settop(L, 1);
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        bool known = false;
        lua_pop(L, 1);
        moon_sandbox_charge(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            (void)moon_sandbox_raise(L, "%s wants named fields, like { key = m.from.domain }",
                                     what);
        for (size_t i = 0; i < count; i++)
            known = known || !strcmp(lua_tostring(L, -1), names[i]);
        if (!known)
            (void)moon_facts_unknown(L, what, lua_tostring(L, -1), names, count);
    }
}

/* Pushes the key and returns it; an absent one is empty: what it was made of may be nil, and that
 * is the sender's doing. [-0, +1] */
static struct moon_span key_field(lua_State *L, const char *what)
{
    struct moon_span key = {NULL, 0};
    int type = lua_getfield(L, 1, "key");
    if (type == LUA_TNIL)
        return key;
    if (type != LUA_TSTRING && type != LUA_TNUMBER)
        (void)moon_sandbox_raise(L, "%s: key must be a text, not a %s", what,
                                 lua_typename(L, type));
    key.p = lua_tolstring(L, -1, &key.n);
    moon_sandbox_charge(L, key.n / 16);
    return key;
}

/* "24h", "90m", "30s", "7d" or a number of seconds; -1: none of these. */
static int64_t seconds_of(struct moon_span text)
{
    static const struct {
        char unit;
        int seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    uint64_t number;

    for (size_t i = 0; text.n && i < sizeof units / sizeof units[0]; i++)
        if (text.p[text.n - 1] == units[i].unit &&
            moon_span_number(moon_span_sub(text, 0, text.n - 1), 1000000, &number))
            return (int64_t)number * units[i].seconds;
    return -1;
}

/* A length of time at the top of the stack, min..max. */
static int64_t check_time(lua_State *L, const char *what, const char *field, int64_t max_s)
{
    int64_t seconds = -1;
    if (lua_isinteger(L, -1)) {
        seconds = lua_tointeger(L, -1);
    } else if (lua_type(L, -1) == LUA_TSTRING) {
        struct moon_span text;
        text.p = lua_tolstring(L, -1, &text.n);
        seconds = seconds_of(text);
    }
    if (seconds < MOON_STORE_WINDOW_MIN_S || seconds > max_s)
        (void)moon_sandbox_raise(L,
                                 "%s: %s must be a time like \"24h\" (s, m, h, d, or a number of "
                                 "seconds), from 1m to %dd",
                                 what, field, (int)(max_s / 86400));
    return seconds;
}

/* The same for a field of the table at index 1. [-0, +0] */
static int64_t time_field(lua_State *L, const char *what, const char *field, int64_t fallback_s,
                          int64_t max_s)
{
    int64_t seconds = fallback_s;
    if (lua_getfield(L, 1, field) != LUA_TNIL)
        seconds = check_time(L, what, field, max_s);
    lua_pop(L, 1);
    return seconds;
}

/* What is added, a whole number from 0 on. [-0, +0] */
static int64_t add_field(lua_State *L, const char *what, int64_t max)
{
    int64_t add = 1;
    if (lua_getfield(L, 1, "add") != LUA_TNIL) {
        if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 0 || lua_tointeger(L, -1) > max)
            (void)moon_sandbox_raise(L, "%s: add must be a whole number from 0 (only look) to %d",
                                     what, (int)max);
        add = lua_tointeger(L, -1);
    }
    lua_pop(L, 1);
    return add;
}

/* Without anybody to ask (a policy that is being published) the question is noted at least. */
static bool can_ask(lua_State *L, const char *what)
{
    moon_sandbox_charge(L, QUESTION_COST);
    if (asks_of(L))
        return true;
    moon_facts_note(moon_sandbox_context(L), "%s: nothing to ask here", what);
    return false;
}

/* Waiting for an answer has bounds of its own: it is no time of the policy's. */
static void credit_since(lua_State *L, int64_t started_ms)
{
    moon_sandbox_credit(L, moon_clock_ms() - started_ms);
}

/* moon.count { key = text, window = "24h", add = 1 } -> integer, or nil [-1, +1], may raise */
int moon_questions_count(lua_State *L)
{
    static const char *const names[] = {"key", "window", "add"};
    const char *what = "moon.count";
    int64_t count, started_ms = moon_clock_ms();

    check_fields(L, what, names, sizeof names / sizeof names[0]);
    int64_t window_s = time_field(L, what, "window", 86400, MOON_STORE_WINDOW_MAX_S);
    int64_t add = add_field(L, what, 1000000);
    struct moon_span key = key_field(L, what);
    if (can_ask(L, what) && key.p && moon_asks_count(asks_of(L), key, window_s, add, &count))
        lua_pushinteger(L, count);
    else
        lua_pushnil(L);
    credit_since(L, started_ms);
    return 1;
}

/* moon.first_seen { key = text, keep = "90d", add = 1 } -> seconds since then, false (never; only
 * with add = 0), or nil [-1, +1], may raise */
int moon_questions_first_seen(lua_State *L)
{
    static const char *const names[] = {"key", "keep", "add"};
    const char *what = "moon.first_seen";
    struct moon_decide *decide = moon_sandbox_context(L);
    int64_t first_s, started_ms = moon_clock_ms();

    check_fields(L, what, names, sizeof names / sizeof names[0]);
    int64_t keep_s = time_field(L, what, "keep", 90 * 86400, MOON_STORE_KEEP_MAX_S);
    int64_t add = add_field(L, what, 1);
    struct moon_span key = key_field(L, what);
    if (!can_ask(L, what) || !key.p ||
        !moon_asks_first_seen(asks_of(L), key, keep_s, add == 0, &first_s))
        lua_pushnil(L);
    else if (first_s < 0)
        lua_pushboolean(L, 0);
    else
        lua_pushinteger(L, decide->input->msg->received_s - first_s);
    credit_since(L, started_ms);
    return 1;
}
