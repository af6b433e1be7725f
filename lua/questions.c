/* SPDX-License-Identifier: MIT
 *
 * questions: what a policy asks beyond the message, as functions of require "moonscan". Each goes
 * through engine/verdict/asks.h, which counts, bounds and records it. No answer is nil, never an
 * error: a store that is down must not make a policy fail. What is written wrong in the policy is
 * an error at its line, answer or not.
 */
#include <string.h>

#include "engine/base/budget.h"
#include "engine/base/ip.h"
#include "engine/base/limits.h"
#include "engine/base/seconds.h"
#include "lua/questions.h"

#define QUESTION_COST 100 /* in instructions: the record, and finding the answer */

#define KEY_LIKE "{ key = m.from.domain }"

void moon_questions_fields(lua_State *L, const char *what, const char *like,
                           const char *const *names, size_t count)
{
    if (!lua_istable(L, 1) || luaL_getmetafield(L, 1, "__index") != LUA_TNIL)
        (void)moon_sandbox_raise(L, "%s wants a table, like %s %s", what, what, like);
    lua_settop(L, 1);
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        bool known = false;
        lua_pop(L, 1);
        moon_sandbox_charge(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            (void)moon_sandbox_raise(L, "%s wants named fields, like %s", what, like);
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

/* A length of time at the top of the stack, min..max. */
static int64_t check_time(lua_State *L, const char *what, const char *field, int64_t max_s)
{
    int64_t seconds = -1;
    if (lua_isinteger(L, -1)) {
        seconds = lua_tointeger(L, -1);
    } else if (lua_type(L, -1) == LUA_TSTRING) {
        struct moon_span text;
        text.p = lua_tolstring(L, -1, &text.n);
        seconds = moon_seconds_of(text);
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

struct moon_asks *moon_questions_asks(lua_State *L, const char *what)
{
    struct moon_decide *decide = moon_sandbox_context(L);
    moon_sandbox_charge(L, QUESTION_COST);
    if (!decide->input->asks)
        moon_facts_note(decide, "%s: nothing to ask here", what);
    return decide->input->asks;
}

void moon_questions_credit(lua_State *L, int64_t started_ms)
{
    struct moon_decide *decide = moon_sandbox_context(L);
    if (moon_arena_failed(decide->arena)) /* without memory there is no answer, nor a decision */
        decide->no_memory = true;
    moon_sandbox_credit(L, moon_clock_ms() - started_ms);
}

/* moon.count { key = text, window = "24h", add = 1 } -> integer, or nil [-1, +1], may raise */
int moon_questions_count(lua_State *L)
{
    static const char *const names[] = {"key", "window", "add"};
    const char *what = "moon.count";
    int64_t count, started_ms = moon_clock_ms();

    moon_questions_fields(L, what, KEY_LIKE, names, sizeof names / sizeof names[0]);
    int64_t window_s = time_field(L, what, "window", 86400, MOON_STORE_WINDOW_MAX_S);
    int64_t add = add_field(L, what, 1000000);
    struct moon_span key = key_field(L, what);
    struct moon_asks *asks = moon_questions_asks(L, what);
    if (asks && key.p && moon_asks_count(asks, key, window_s, add, &count))
        lua_pushinteger(L, count);
    else
        lua_pushnil(L);
    moon_questions_credit(L, started_ms);
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

    moon_questions_fields(L, what, KEY_LIKE, names, sizeof names / sizeof names[0]);
    int64_t keep_s = time_field(L, what, "keep", 90 * 86400, MOON_STORE_KEEP_MAX_S);
    int64_t add = add_field(L, what, 1);
    struct moon_span key = key_field(L, what);
    struct moon_asks *asks = moon_questions_asks(L, what);
    if (!asks || !key.p || !moon_asks_first_seen(asks, key, keep_s, add == 0, &first_s))
        lua_pushnil(L);
    else if (first_s < 0)
        lua_pushboolean(L, 0);
    else
        lua_pushinteger(L, decide->input->msg->received_s - first_s);
    moon_questions_credit(L, started_ms);
    return 1;
}

/* Whose attempts belong together: the client's network, since large senders retry from another
 * host of it, the sender, and this tenant's recipients. Pushes the key. [-0, +1] */
static void push_attempt(lua_State *L, const struct moon_policy_input *input)
{
    struct moon_ip net = input->msg->session.ip;
    char ip[MOON_IP_TEXT_MAX];
    luaL_Buffer buffer;

    for (size_t i = net.family == 4 ? 3 : 8; i < sizeof net.bytes; i++) /* /24 and /64 */
        net.bytes[i] = 0;
    luaL_buffinit(L, &buffer);
    luaL_addstring(&buffer, "retry ");
    luaL_addstring(&buffer, moon_ip_format(&net, ip));
    luaL_addstring(&buffer, " <");
    luaL_addstring(&buffer, input->msg->mail_from);
    luaL_addstring(&buffer, ">");
    for (size_t i = 0; i < input->recipient_count; i++) {
        const char *address = input->msg->recipients[input->recipients[i]].address;
        moon_sandbox_charge(L, 1 + strlen(address) / 16);
        luaL_addstring(&buffer, " ");
        luaL_addstring(&buffer, address);
    }
    luaL_pushresult(&buffer);
}

/* moon.retry_within(m, "4h") -> true: this client has tried to send from this sender to these
 * recipients for less than that; false; or nil: nobody knows [-2, +1], may raise */
int moon_questions_retry_within(lua_State *L)
{
    const char *what = "moon.retry_within";
    struct moon_decide *decide = moon_sandbox_context(L);
    struct moon_span key;
    int64_t first_s, started_ms = moon_clock_ms();

    if (!moon_record_test(L, 1, &moon_record_message))
        return moon_sandbox_raise(L, "%s wants m and a time, like %s(m, \"4h\")", what, what);
    lua_settop(L, 2);
    int64_t window_s = check_time(L, what, "the time", MOON_STORE_WINDOW_MAX_S);
    push_attempt(L, decide->input);
    key.p = lua_tolstring(L, -1, &key.n);
    struct moon_asks *asks = moon_questions_asks(L, what);
    /* Remembered for a day beyond the last attempt: some clients retry at long intervals. */
    if (asks && moon_asks_first_seen(asks, key, window_s + 86400, false, &first_s))
        lua_pushboolean(L, decide->input->msg->received_s - first_s < window_s);
    else
        lua_pushnil(L);
    moon_questions_credit(L, started_ms);
    return 1;
}
