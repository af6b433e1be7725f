/* SPDX-License-Identifier: MIT
 *
 * profile_check: is a file a profile? Once for each that is used, when it is compiled; and for the
 * site's own when they are published. Procedure: run it in a sandbox of its own beside the rules,
 * and look at each field.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/nearest.h"
#include "lua/data.h"
#include "lua/embedded.h"
#include "lua/profiles.h"

#define RULES_AT   1 /* stack: the table of rules, the profile */
#define PROFILE_AT 2
#define DATE_BYTES 11

static void read_sources(lua_State *L)
{
    static const char *const fields[] = {"title", "url", "dated"};
    if (!moon_data_push(L, "", "sources", LUA_TTABLE))
        (void)moon_data_wrong(L, "", NULL, "sources is missing: where the data come from");
    size_t count = lua_rawlen(L, -1);
    if (count == 0 || count > 50)
        (void)moon_data_wrong(L, "", "sources", "sources: a list of 1 to 50 tables is wanted");
    for (size_t i = 1; i <= count; i++) {
        char place[32];
        (void)snprintf(place, sizeof place, "sources.%zu", i);
        if (lua_rawgeti(L, -1, (lua_Integer)i) != LUA_TTABLE)
            (void)moon_data_wrong(L, place, NULL,
                                  "sources: a table with title, url, dated is wanted");
        moon_data_check_names(L, place, fields, sizeof fields / sizeof fields[0], false);
        (void)moon_data_text(L, place, "title", true); /* for people */
        (void)moon_data_text(L, place, "url", true);
        (void)moon_data_date(L, place, "dated");
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static void read_flag(lua_State *L, const char *place, const char *field)
{
    if (moon_data_push(L, place, field, LUA_TBOOLEAN))
        lua_pop(L, 1);
}

static void read_bulk(lua_State *L)
{
    static const char *const fields[] = {"messages", "sticky"};
    if (!moon_data_push(L, "", "bulk", LUA_TTABLE))
        return;
    moon_data_check_names(L, "bulk", fields, 2, false);
    if (!moon_data_push(L, "bulk", "messages", LUA_TNUMBER))
        (void)moon_data_wrong(L, "bulk", NULL, "bulk: messages is missing");
    if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 || lua_tointeger(L, -1) > 1000000000)
        (void)moon_data_wrong(L, "bulk", "messages",
                              "messages must be a whole number from 1 to 1000000000");
    lua_pop(L, 1);
    read_flag(L, "bulk", "sticky");
    lua_pop(L, 1);
}

/* Class 5, as it will stand in a refusal: "5.7.26". */
static void read_esc(lua_State *L, const char *place, bool needed)
{
    const char *esc = moon_data_text(L, place, "esc", needed);
    struct moon_buf buf = moon_buf_of(moon_span_of(esc));
    uint64_t number;
    if (!esc)
        return;
    bool good = moon_buf_skip(&buf, '5');
    for (int i = 0; i < 2; i++)
        good = good && moon_buf_skip(&buf, '.') &&
               moon_span_number(moon_buf_while(&buf, moon_is_digit), 999, &number);
    if (!good || !moon_buf_at_end(&buf))
        (void)moon_data_wrong(L, place, "esc",
                              "esc must be an enhanced status code like \"5.7.26\"");
}

static void unknown_rule(lua_State *L, const char *place, const char *name)
{
    struct moon_nearest nearest = {0};
    for (lua_pushnil(L); lua_next(L, RULES_AT); lua_pop(L, 1))
        moon_nearest_offer(&nearest, moon_span_of(name), lua_tostring(L, -2)); /* a key: it stays */
    (void)moon_data_wrong(L, place, "requirement", "there is no rule '%.60s'; %s%s%s", name,
                          nearest.best ? "did you mean '" : "a rule of your own is a function: ",
                          nearest.best ? nearest.best : "holds = function(m) ... end",
                          nearest.best ? "'?" : "");
}

/* The requirement at the top. */
static void read_requirement(lua_State *L, const char *place)
{
    static const char *const fields[] = {"requirement", "of", "esc", "text", "advice", "holds"};
    moon_data_check_names(L, place, fields, sizeof fields / sizeof fields[0], false);
    const char *name = moon_data_text(L, place, "requirement", true);
    bool own = moon_data_push(L, place, "holds", LUA_TFUNCTION);
    if (own)
        lua_pop(L, 1);
    lua_pushstring(L, name);
    if (lua_rawget(L, RULES_AT) == LUA_TNIL && !own)
        unknown_rule(L, place, name);
    lua_pop(L, 1);
    const char *of = moon_data_text(L, place, "of", true);
    if (strcmp(of, "all") != 0 && strcmp(of, "bulk") != 0)
        (void)moon_data_wrong(L, place, "of", "of must be \"all\" or \"bulk\", not \"%.40s\"", of);
    lua_pushliteral(L, "bulk");
    bool bulk = lua_rawget(L, PROFILE_AT) != LUA_TNIL;
    lua_pop(L, 1);
    if (!bulk && !strcmp(of, "bulk"))
        (void)moon_data_wrong(
            L, place, "of",
            "of = \"bulk\", but the profile does not say who is: bulk = { messages "
            "= 5000 }");
    read_esc(L, place, false);
    (void)moon_data_text(L, place, "text", true); /* is needed, and used as it is */
    read_flag(L, place, "advice");
}

static void read_requires(lua_State *L)
{
    if (!moon_data_push(L, "", "requires", LUA_TTABLE))
        (void)moon_data_wrong(L, "", NULL, "requires is missing");
    size_t count = lua_rawlen(L, -1);
    if (count == 0 || count > 100)
        (void)moon_data_wrong(L, "", "requires", "requires: a list of 1 to 100 tables is wanted");
    for (size_t i = 1; i <= count; i++) {
        char place[32];
        (void)snprintf(place, sizeof place, "requires.%zu", i);
        if (lua_rawgeti(L, -1, (lua_Integer)i) != LUA_TTABLE)
            (void)moon_data_wrong(L, place, NULL, "requires: each is a table");
        read_requirement(L, place);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* "google" of "profiles/google.lua" and of "built-in:profiles/google". */
static struct moon_span name_in(const char *path)
{
    struct moon_span whole = moon_span_of(path);
    size_t slash = moon_span_rfind(whole, '/');
    struct moon_span name = moon_span_sub(whole, slash == (size_t)-1 ? 0 : slash + 1, whole.n);
    return moon_span_sub(name, 0, moon_span_find(name, '.'));
}

/* The profile is at the top. */
static void read_profile(lua_State *L)
{
    static const char *const fields[] = {"name", "title", "dated", "sources",
                                         "note", "bulk",  "esc",   "requires"};
    struct moon_span name = name_in(moon_data_of(L)->path);
    moon_data_check_names(L, "", fields, sizeof fields / sizeof fields[0], false);
    if (!moon_span_is(name, moon_data_text(L, "", "name", true)))
        (void)moon_data_wrong(L, "", "name", "name must be that of the file: \"%.*s\"", (int)name.n,
                              name.p);
    (void)moon_data_text(L, "", "title", true); /* for people */
    (void)snprintf(moon_data_of(L)->into, DATE_BYTES, "%s", moon_data_date(L, "", "dated"));
    (void)moon_data_text(L, "", "note", false);
    read_sources(L);
    read_bulk(L);
    read_esc(L, "", true);
    read_requires(L);
}

static const char *rules_text(void)
{
    const struct moon_embedded *e = moon_embedded;
    while (e->name && strcmp(e->name, "policies/profiles/" MOON_PROFILE_RULES ".lua") != 0)
        e++;
    return e->name ? e->text : "";
}

static int check(lua_State *L)
{
    const struct moon_data *data = moon_data_of(L);
    moon_library_open(L);
    moon_sandbox_load(L, moon_span_of(rules_text()), MOON_PROFILE_RULES);
    lua_call(L, 0, 1);
    (void)lua_getfield(L, -1, "rules"); /* our own text */
    lua_replace(L, RULES_AT);
    lua_settop(L, RULES_AT);
    moon_library_open(L);
    moon_sandbox_load(L, data->source, data->path);
    lua_call(L, 0, 1);
    lua_settop(L, PROFILE_AT);
    if (!lua_istable(L, PROFILE_AT))
        return moon_data_wrong(L, "", NULL, "a profile returns a table: return { ... }");
    read_profile(L);
    return 0;
}

enum moon_status moon_profile_check(const struct moon_limits *limits, struct moon_span source,
                                    const char *path, char dated_r[11], struct moon_error *error)
{
    struct moon_data data = {.arena = moon_arena_create(MOON_LIST_BYTES_MAX),
                             .source = source,
                             .path = path,
                             .into = dated_r};
    struct moon_sandbox *sandbox = moon_sandbox_create(limits);
    enum moon_status status = MOON_ENOMEM;

    dated_r[0] = '\0';
    if (data.arena && sandbox)
        status = moon_sandbox_run(sandbox, check, &data, error);
    moon_sandbox_destroy(&sandbox);
    moon_arena_destroy(&data.arena);
    if (data.no_memory)
        status = moon_fail(error, MOON_ECONF, "%s:1: it is too large", path);
    return status == MOON_ENOMEM ? moon_fail(error, status, "%s: no memory", path) : status;
}
