/* SPDX-License-Identifier: MIT
 *
 * layer: 1. a fresh sandbox with the globals.  2. The chunk, which returns the policy table.  3.
 * The function of that table which is asked, with m.  4. Its verdict, copied into the arena. A
 * layer never sees another layer's state.
 */
#include "lua/layer.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/nearest.h"
#include "lua/groups.h"

#define MODULE "moonscan.module"

/* require(name) [-0, +1], may raise */
static int script_require(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    if (strcmp(name, "moonscan") != 0)
        return moon_sandbox_raise(L, "require \"%.60s\": policies can require \"moonscan\" only",
                                  name);
    if (lua_getfield(L, LUA_REGISTRYINDEX, MODULE) == LUA_TNIL) {
        lua_pop(L, 1);
        moon_module_push(L);
        lua_pushvalue(L, -1);
        lua_setfield(L, LUA_REGISTRYINDEX, MODULE);
    }
    return 1;
}

/* Pushes the group function of one recipient, or nil: by address, then by local part. The table is
 * at index 2. [-0, +1] */
static void push_group(lua_State *L, const char *address)
{
    char lower[512];
    size_t n = strlen(address), at = n;
    if (n >= sizeof lower) {
        lua_pushnil(L);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        lower[i] = moon_lower(address[i]);
        if (address[i] == '@')
            at = i;
    }
    lua_pushlstring(L, lower, n);
    if (lua_rawget(L, 2) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushlstring(L, lower, at);
        (void)lua_rawget(L, 2);
    }
}

/* The last line of the file that has code, mostly "return policy": the chunk is loaded once more,
 * since it is seldom asked for. [-0, +0], may raise */
static int last_line(lua_State *L, const struct moon_decide *decide)
{
    lua_Debug ar;
    int last = 1;
    luaL_checkstack(L, 5, NULL);
    lua_newtable(L);
    moon_sandbox_load_compiled(L, decide->code, decide->name);
    if (!lua_getinfo(L, ">L", &ar) || !lua_istable(L, -1)) {
        lua_pop(L, 1);
        return last;
    }
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        moon_sandbox_charge(L, 1);
        int line = (int)lua_tointeger(L, -2);
        last = line > last ? line : last;
    }
    lua_pop(L, 1);
    return last;
}

/* The line where the function at `index` starts; else the last of the file. [-0, +0], may raise */
static int line_of(lua_State *L, int index, const struct moon_decide *decide)
{
    lua_Debug ar;
    if (!lua_isfunction(L, index))
        return last_line(L, decide);
    lua_pushvalue(L, index);
    return lua_getinfo(L, ">S", &ar) && ar.linedefined > 0 ? ar.linedefined : last_line(L, decide);
}

/* The function of the group that all recipients belong to: pushes it and answers true. The policy
 * is at index 1. [-0, +1 or +0] */
static bool push_recipient_group(lua_State *L, const struct moon_decide *decide)
{
    const struct moon_policy_input *input = decide->input;
    lua_pushliteral(L, "recipients");
    int type = lua_rawget(L, 1);
    if (type == LUA_TNIL || input->recipient_count == 0) {
        lua_settop(L, 1);
        return false;
    }
    if (type != LUA_TTABLE)
        (void)luaL_error(L, "%s:%d: recipients must be a table of functions", decide->name,
                         last_line(L, decide));
    for (size_t i = 0; i < input->recipient_count; i++) {
        moon_sandbox_charge(L, 5);
        push_group(L, input->msg->recipients[input->recipients[i]].address);
        if (lua_isnil(L, -1) || (i > 0 && !lua_rawequal(L, 3, -1))) {
            lua_settop(L, 1);
            return false;
        }
        lua_settop(L, 3);
    }
    if (!lua_isfunction(L, 3))
        (void)luaL_error(L, "%s:%d: recipients must be a table of functions", decide->name,
                         last_line(L, decide));
    lua_remove(L, 2);
    return true;
}

/* Nothing is called nearly like it: is it a function of its own, or what the policy has instead?
 * The policy is at index 1. */
static int no_message_at_all(lua_State *L, const struct moon_decide *decide)
{
    const char *other = NULL;
    int first = 0;
    (void)lua_getfield(L, LUA_REGISTRYINDEX, MOON_GLOBALS);
    lua_pushliteral(L, "message");
    if (lua_rawget(L, -2) == LUA_TFUNCTION)
        return luaL_error(L,
                          "%s:%d: this function is not the policy's; write: function "
                          "policy.message(m)",
                          decide->name, line_of(L, -1, decide));
    lua_pop(L, 2);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        moon_sandbox_charge(L, 5);
        if (lua_type(L, -2) != LUA_TSTRING || !lua_isfunction(L, -1) || lua_iscfunction(L, -1))
            continue;
        int line = line_of(L, -1, decide);
        if (!first || line < first) {
            first = line;
            other = lua_tostring(L, -2); /* the table keeps it alive */
        }
    }
    return luaL_error(L,
                      "%s:%d: the policy has no function 'message'%s%s%s; write: function "
                      "policy.message(m)",
                      decide->name, first ? first : last_line(L, decide),
                      first ? ", and nobody asks '" : "", first ? other : "", first ? "'" : "");
}

/* A policy without a function message: what was meant? The policy is at index 1. */
static int no_message(lua_State *L, const struct moon_decide *decide)
{
    const char *near = NULL;
    struct moon_nearest nearest = {0};
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        moon_sandbox_charge(L, 20);
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            continue;
        nearest.best = NULL;
        moon_nearest_offer(&nearest, moon_span_of(lua_tostring(L, -1)), "message");
        if (nearest.best)
            near = lua_tostring(L, -1);
    }
    if (!near)
        return no_message_at_all(L, decide);
    (void)lua_getfield(L, 1, near);
    return luaL_error(L, "%s:%d: the policy has no function 'message'; is '%s' misspelt?",
                      decide->name, line_of(L, -1, decide), near);
}

/* Names of a policy that nobody asks, but that look like one that is asked. The policy is at index
 * 1. [-0, +0], raises when there is one */
static void refuse_misspelt(lua_State *L, const struct moon_decide *decide)
{
    static const char *const asked[] = {"message", "recipients", "locked", "tests"};
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        struct moon_nearest nearest = {0};
        bool known = lua_type(L, -2) != LUA_TSTRING;
        moon_sandbox_charge(L, 20);
        for (size_t i = 0; !known && i < sizeof asked / sizeof *asked; i++) {
            known = !strcmp(lua_tostring(L, -2), asked[i]);
            moon_nearest_offer(&nearest, moon_span_of(lua_tostring(L, -2)), asked[i]);
        }
        if (!known && nearest.best)
            (void)luaL_error(L, "%s:%d: nobody asks '%s' of a policy; is '%s' meant?", decide->name,
                             line_of(L, -1, decide), lua_tostring(L, -2), nearest.best);
    }
}

/* Only the site locks. The policy is at index 1. [-0, +0], may raise */
static void refuse_lock(lua_State *L, const struct moon_decide *decide)
{
    lua_pushliteral(L, "locked");
    if (lua_rawget(L, 1) != LUA_TNIL)
        (void)luaL_error(L,
                         "%s:%d: only site.lua may lock; move this rule to its function locked, or "
                         "ask it in message",
                         decide->name, line_of(L, -1, decide));
    lua_pop(L, 1);
}

/* Calls the function at the top with m and takes its verdict. [-1, +0] */
static void call_policy(lua_State *L)
{
    struct moon_decide *decide = moon_sandbox_context(L);
    if (lua_iscfunction(L, -1)) /* its errors would have no line */
        (void)luaL_error(L, "%s:%d: the function must be one that is written in this file",
                         decide->name, last_line(L, decide));
    decide->line = line_of(L, -1, decide);
    moon_facts_push(L);
    lua_call(L, 1, 1);
    moon_verdicts_take(L, lua_gettop(L));
    lua_pop(L, 1);
}

/* The site's locked rules. The policy is at index 1. */
static int ask_locked(lua_State *L, struct moon_decide *decide)
{
    lua_pushliteral(L, "locked");
    int type = lua_rawget(L, 1);
    decide->no_lock = type == LUA_TNIL;
    if (decide->no_lock)
        return 0;
    if (type != LUA_TFUNCTION)
        return luaL_error(L, "%s:%d: locked must be a function, not a %s", decide->name,
                          last_line(L, decide), lua_typename(L, type));
    call_policy(L);
    return 0;
}

/* Has it rules of another kind than message? The policy is at index 1. [-0, +0] */
static bool has_others(lua_State *L)
{
    lua_pushliteral(L, "recipients");
    bool groups = lua_rawget(L, 1) != LUA_TNIL;
    lua_pushliteral(L, "locked");
    bool locks = lua_rawget(L, 1) != LUA_TNIL;
    lua_pop(L, 2);
    return groups || locks;
}

/* The recipient group, then message. The policy is at index 1. */
static int ask_policy(lua_State *L, struct moon_decide *decide)
{
    if (push_recipient_group(L, decide)) {
        const char *layer = decide->layer;
        decide->layer = "recipient";
        call_policy(L);
        if (decide->verdict->kind != MOON_VERDICT_NONE)
            return 0;
        decide->layer = layer;
    }
    lua_pushliteral(L, "message");
    int type = lua_rawget(L, 1);
    if (type == LUA_TNIL)
        return has_others(L) ? 0 : no_message(L, decide);
    if (type != LUA_TFUNCTION)
        return luaL_error(L, "%s:%d: message must be a function, not a %s", decide->name,
                          last_line(L, decide), lua_typename(L, type));
    call_policy(L);
    return 0;
}

/* Runs the chunk; the policy is then at index 1. [-0, +1], may raise */
static void load_policy(lua_State *L, const struct moon_decide *decide)
{
    moon_library_open(L);
    lua_pushcfunction(L, script_require);
    lua_setfield(L, -2, "require");
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, MOON_GLOBALS);
    moon_sandbox_load_compiled(L, decide->code, decide->name);
    lua_call(L, 0, 1);
    if (!lua_istable(L, 1))
        (void)luaL_error(L, "%s:%d: the file returned %s; its last line should be: return policy",
                         decide->name, last_line(L, decide),
                         lua_isnil(L, 1) ? "nothing" : luaL_typename(L, 1));
}

static int run_layer(lua_State *L)
{
    struct moon_decide *decide = moon_sandbox_context(L);
    load_policy(L, decide);
    if (decide->publishing) {
        refuse_misspelt(L, decide);
        moon_groups_check(L, decide);
    }
    if (!strcmp(decide->layer, MOON_LAYER_LOCKED))
        return ask_locked(L, decide);
    if (strcmp(decide->layer, MOON_LAYER_SITE) != 0)
        refuse_lock(L, decide);
    return ask_policy(L, decide);
}

static int run_tests(lua_State *L)
{
    struct moon_decide *decide = moon_sandbox_context(L);
    load_policy(L, decide);
    moon_tests_take(L, decide->tests);
    return 0;
}

/* What helps against the limit that was reached. */
static enum moon_status add_cure(const char *limit, struct moon_error *error)
{
    static const char *const settings[][2] = {{"instruction", "limits.policy_instructions"},
                                              {"memory", "limits.policy_bytes"},
                                              {"time", "limits.policy_ms"}};
    char what[sizeof error->text];

    (void)snprintf(what, sizeof what, "%s", error->text); /* as large */
    for (size_t i = 0; limit && i < sizeof settings / sizeof *settings; i++)
        if (!strcmp(limit, settings[i][0]))
            return moon_fail(error, MOON_EBUDGET, "%s; mend this policy, or raise %s", what,
                             settings[i][1]);
    return MOON_EBUDGET;
}

enum moon_status moon_layer_run(const struct moon_limits *limits, struct moon_decide *decide,
                                struct moon_error *error)
{
    struct moon_sandbox *sandbox = moon_sandbox_create(limits);
    if (!sandbox)
        return moon_fail(error, MOON_ENOMEM, "%s: no memory", decide->name);
    if (decide->input->turn)
        moon_sandbox_until(sandbox, decide->input->turn->end_ms, decide->input->turn->over);
    enum moon_status status =
        moon_sandbox_run(sandbox, decide->tests ? run_tests : run_layer, decide, error);
    if (moon_sandbox_peak_bytes(sandbox) > decide->peak_bytes)
        decide->peak_bytes = moon_sandbox_peak_bytes(sandbox);
    if (status == MOON_EBUDGET)
        status = add_cure(moon_sandbox_limit(sandbox), error);
    moon_sandbox_destroy(&sandbox);
    return decide->no_memory ? MOON_ENOMEM : status;
}
