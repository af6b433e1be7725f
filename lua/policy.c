/* SPDX-License-Identifier: MIT
 *
 * policy: one tenant's verdict. Procedure for each layer, from the top down, until one has an
 * opinion: (1) the compiled source, (2) a fresh sandbox with the globals, (3) the chunk, which
 * returns the policy table, (4) the function of the recipient group, else `message`, called with m,
 * (5) its verdict copied into the arena. Any error ends in the failure verdict. A layer never sees
 * another layer's state.
 */
#include "engine/verdict/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/nearest.h"
#include "lua/facts.h"
#include "lua/sources.h"

#define MODULE "moonscan.module"

struct moon_policies {
    const struct moon_conf *conf;
    const struct moon_snapshot *snapshot;
    struct moon_sources *sources;
    struct moon_limits limits;
    char *file; /* in every tenant's place, or NULL */
};

enum moon_status moon_policies_create(const struct moon_conf *conf,
                                      const struct moon_snapshot *snapshot,
                                      struct moon_policies **policies_r, struct moon_error *error)
{
    char name[64];
    struct moon_span code;

    *policies_r = NULL;
    struct moon_policies *policies = calloc(1, sizeof *policies);
    if (!policies)
        return moon_fail(error, MOON_ENOMEM, "no memory for policies");
    policies->conf = conf;
    policies->snapshot = snapshot;
    policies->limits =
        (struct moon_limits){conf->policy_instructions, conf->policy_bytes, conf->policy_ms};
    policies->sources = moon_sources_create(&policies->limits, snapshot);
    (void)snprintf(name, sizeof name, "built-in:%s", conf->policy); /* one of three short words */
    enum moon_status status = policies->sources
                                  ? moon_sources_policy(policies->sources, name, &code, error)
                                  : moon_fail(error, MOON_ENOMEM, "no memory for policies");
    if (status != MOON_OK)
        moon_policies_destroy(&policies);
    *policies_r = policies;
    return status;
}

void moon_policies_destroy(struct moon_policies **policies)
{
    if (!*policies)
        return;
    moon_sources_destroy(&(*policies)->sources);
    free((*policies)->file);
    free(*policies);
    *policies = NULL;
}

enum moon_status moon_policies_use_file(struct moon_policies *policies, const char *path,
                                        struct moon_error *error)
{
    struct moon_span code;
    char *copy = strdup(path);
    if (!copy)
        return moon_fail(error, MOON_ENOMEM, "no memory for policies");
    free(policies->file);
    policies->file = copy;
    moon_sources_use_files(policies->sources, copy);
    enum moon_status status = moon_sources_policy(policies->sources, copy, &code, error);
    return status == MOON_EBUDGET ? MOON_ECONF : status;
}

/* --- inside the sandbox ------------------------------------------------------------------------
 */

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
    if (near)
        (void)lua_getfield(L, 1, near);
    return luaL_error(L, "%s:%d: the policy has no function 'message'%s%s%s", decide->name,
                      near ? line_of(L, -1, decide) : last_line(L, decide), near ? "; is '" : "",
                      near ? near : "", near ? "' misspelt?" : "");
}

/* Calls the function at the top with m and takes its verdict. [-1, +0] */
static void call_policy(lua_State *L)
{
    struct moon_decide *decide = moon_sandbox_context(L);
    decide->line = line_of(L, -1, decide);
    moon_facts_push(L);
    lua_call(L, 1, 1);
    moon_verdicts_take(L, lua_gettop(L));
    lua_pop(L, 1);
}

static int run_layer(lua_State *L)
{
    struct moon_decide *decide = moon_sandbox_context(L);
    moon_library_open(L);
    lua_pushcfunction(L, script_require);
    lua_setfield(L, -2, "require");
    moon_sandbox_load_compiled(L, decide->code, decide->name);
    lua_call(L, 0, 1);
    if (!lua_istable(L, 1))
        return luaL_error(L, "%s:%d: the file returned %s; its last line should be: return policy",
                          decide->name, last_line(L, decide),
                          lua_isnil(L, 1) ? "nothing" : luaL_typename(L, 1));
    bool group = push_recipient_group(L, decide);
    if (group) {
        const char *layer = decide->layer;
        decide->layer = "recipient";
        call_policy(L);
        if (decide->verdict->kind != MOON_VERDICT_NONE)
            return 0;
        decide->layer = layer;
    }
    lua_pushliteral(L, "message");
    int type = lua_rawget(L, 1);
    if (type == LUA_TNIL) {
        lua_pushliteral(L, "recipients");
        return lua_rawget(L, 1) == LUA_TNIL ? no_message(L, decide) : 0;
    }
    if (type != LUA_TFUNCTION)
        return luaL_error(L, "%s:%d: message must be a function, not a %s", decide->name,
                          last_line(L, decide), lua_typename(L, type));
    call_policy(L);
    return 0;
}

/* --- layers ------------------------------------------------------------------------------------
 */

static const struct moon_list *find_list(struct moon_decide *decide, const char *name,
                                         struct moon_error *error)
{
    struct moon_policies *policies = decide->list_context;
    const struct moon_list *list = NULL;
    char path[MOON_SNAPSHOT_KEY_MAX];
    if (!moon_sources_list_path(decide->name, name, path, sizeof path))
        (void)moon_fail(error, MOON_ECONF,
                        "a list is named by lower-case letters, digits, - and _");
    else if (moon_sources_list(policies->sources, path, name, &list, error) == MOON_ENOMEM)
        decide->no_memory = true;
    return list;
}

/* Runs one layer; decide->verdict->kind stays NONE without an opinion. */
static enum moon_status run_policy(struct moon_policies *policies, struct moon_decide *decide,
                                   const char *path, const char *layer, struct moon_error *error)
{
    decide->name = path;
    decide->layer = layer;
    enum moon_status status = moon_sources_policy(policies->sources, path, &decide->code, error);
    if (status != MOON_OK)
        return status;
    struct moon_sandbox *sandbox = moon_sandbox_create(&policies->limits);
    if (!sandbox)
        return moon_fail(error, MOON_ENOMEM, "%s: no memory", path);
    status = moon_sandbox_run(sandbox, run_layer, decide, error);
    moon_sandbox_destroy(&sandbox);
    return decide->no_memory ? MOON_ENOMEM : status;
}

static enum moon_verdict_kind kind_of(enum moon_failure failure)
{
    switch (failure) {
    case MOON_FAILURE_ACCEPT:
        return MOON_VERDICT_ACCEPT;
    case MOON_FAILURE_QUARANTINE:
        return MOON_VERDICT_QUARANTINE;
    case MOON_FAILURE_REJECT:
        return MOON_VERDICT_REJECT;
    case MOON_FAILURE_DEFER:
        break;
    }
    return MOON_VERDICT_DEFER;
}

/* The failure verdict: where and why are for the log, the client learns nothing of them. */
static enum moon_status fail_verdict(const struct moon_policies *policies,
                                     struct moon_decide *decide, const struct moon_error *error)
{
    size_t n = 0;
    const char *end = strstr(error->text, ": ");
    if (end && end > error->text && moon_is_digit(end[-1]))
        n = (size_t)(end - error->text);
    *decide->verdict = (struct moon_verdict){
        .kind = kind_of(policies->conf->failure),
        .layer = "failure",
        .failure = moon_arena_cstr(decide->arena, error->text),
        .rule = n ? moon_arena_dup(decide->arena, (struct moon_span){error->text, n})
                  : moon_arena_cstr(decide->arena, decide->name)};
    return decide->verdict->failure && decide->verdict->rule ? MOON_OK : MOON_ENOMEM;
}

/* The path of a layer's policy in the arena, or NULL: there is none. */
static const char *path_in_snapshot(const struct moon_policies *policies,
                                    struct moon_decide *decide, const char *key)
{
    struct moon_span path;
    if (!policies->snapshot || !moon_snapshot_get(policies->snapshot, moon_span_of(key), &path) ||
        path.n == 0)
        return NULL;
    const char *copy = moon_arena_dup(decide->arena, path);
    if (!copy)
        decide->no_memory = true;
    return copy;
}

static const char *tenant_path(const struct moon_policies *policies, struct moon_decide *decide)
{
    char key[300];
    if (policies->file)
        return policies->file;
    int n = snprintf(key, sizeof key, "tenant/%s", decide->input->tenant);
    if (!*decide->input->tenant || n < 0 || (size_t)n >= sizeof key)
        return NULL;
    return path_in_snapshot(policies, decide, key);
}

enum moon_status moon_policy_decide(struct moon_policies *policies, struct moon_arena *arena,
                                    const struct moon_policy_input *input,
                                    struct moon_verdict *verdict_r)
{
    struct moon_decide decide = {.arena = arena,
                                 .input = input,
                                 .snapshot = policies->snapshot,
                                 .list = find_list,
                                 .list_context = policies,
                                 .verdict = verdict_r};
    static const char *const layers[] = {"tenant", "site", "built-in"};
    struct moon_error error = {""};
    enum moon_status status = MOON_OK;

    moon_sources_trim(policies->sources);
    *verdict_r = (struct moon_verdict){.kind = MOON_VERDICT_NONE};
    const char *built_in = moon_arena_printf(arena, "built-in:%s", policies->conf->policy);
    if (!built_in)
        return MOON_ENOMEM;
    const char *paths[] = {tenant_path(policies, &decide),
                           path_in_snapshot(policies, &decide, "site"), built_in};
    for (size_t i = 0; i < 3 && status == MOON_OK && verdict_r->kind == MOON_VERDICT_NONE; i++)
        if (paths[i])
            status = run_policy(policies, &decide, paths[i], layers[i], &error);
    if (status == MOON_ENOMEM || decide.no_memory)
        return MOON_ENOMEM;
    if (status != MOON_OK) {
        if (fail_verdict(policies, &decide, &error) != MOON_OK)
            return MOON_ENOMEM;
    } else if (verdict_r->kind == MOON_VERDICT_NONE) {
        *verdict_r = (struct moon_verdict){.kind = MOON_VERDICT_ACCEPT, .layer = "built-in"};
    }
    if (!strcmp(verdict_r->layer, "built-in"))
        verdict_r->rule = built_in;
    verdict_r->facts = decide.facts;
    verdict_r->fact_count = decide.fact_count;
    return MOON_OK;
}

/* --- publishing --------------------------------------------------------------------------------
 */

enum moon_status moon_policies_check(struct moon_policies *policies, const char *path,
                                     const struct moon_policy_input *input,
                                     struct moon_error *error)
{
    struct moon_verdict verdict = {.kind = MOON_VERDICT_NONE};
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    if (!arena)
        return moon_fail(error, MOON_ENOMEM, "%s: no memory", path);
    struct moon_decide decide = {.arena = arena,
                                 .input = input,
                                 .snapshot = policies->snapshot,
                                 .list = find_list,
                                 .list_context = policies,
                                 .verdict = &verdict};
    moon_sources_trim(policies->sources);
    enum moon_status status = run_policy(policies, &decide, path, "tenant", error);
    moon_arena_destroy(&arena);
    return status == MOON_EBUDGET ? MOON_ECONF : status;
}

enum moon_status moon_policies_check_list(struct moon_policies *policies, const char *path,
                                          struct moon_error *error)
{
    const struct moon_list *list;
    moon_sources_trim(policies->sources);
    enum moon_status status = moon_sources_list(policies->sources, path, "list", &list, error);
    return status == MOON_EBUDGET ? MOON_ECONF : status;
}
