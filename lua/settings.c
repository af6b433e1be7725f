/* SPDX-License-Identifier: MIT
 *
 * settings: m.tenant.settings, what tenants.lua gives the tenant. Read-only; a list or table in it
 * is a fresh copy each time. A setting that is not there is an error with the nearest right name:
 * one that only some tenants have gets its default in the entry "*".
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/nearest.h"
#include "engine/base/tenant_conf.h"
#include "lua/facts.h"

#define METATABLE "moonscan.settings"

static const struct moon_tenant_conf *conf_of(lua_State *L)
{
    static const struct moon_tenant_conf none;
    const struct moon_tenant_conf *conf =
        ((struct moon_decide *)moon_sandbox_context(L))->input->conf;
    return conf ? conf : &none;
}

static void push_value(lua_State *L, const struct moon_setting *setting);

/* A list or table with names. [-0, +1], may raise */
static void push_parts(lua_State *L, const struct moon_setting *setting)
{
    struct moon_buf buf = moon_buf_of(setting->packed);
    bool map = setting->type == MOON_SETTING_MAP;
    struct moon_setting part;

    lua_newtable(L);
    for (lua_Integer i = 1; moon_setting_next(&buf, map, &part); i++) {
        moon_sandbox_charge(L, 2 + (part.key.n + part.text.n) / 16);
        if (map)
            lua_pushlstring(L, part.key.p, part.key.n);
        else
            lua_pushinteger(L, i);
        push_value(L, &part);
        lua_rawset(L, -3);
    }
    if (buf.failed)
        (void)moon_sandbox_raise(L, "m.tenant.settings is damaged; publish again");
}

/* [-0, +1], may raise */
static void push_value(lua_State *L, const struct moon_setting *setting)
{
    luaL_checkstack(L, 4, NULL);
    switch (setting->type) {
    case MOON_SETTING_TEXT:
        lua_pushlstring(L, setting->text.n ? setting->text.p : "", setting->text.n);
        break;
    case MOON_SETTING_INTEGER:
        lua_pushinteger(L, setting->integer);
        break;
    case MOON_SETTING_NUMBER:
        lua_pushnumber(L, setting->number);
        break;
    case MOON_SETTING_BOOLEAN:
        lua_pushboolean(L, setting->boolean);
        break;
    case MOON_SETTING_LIST:
    case MOON_SETTING_MAP:
        if (setting->packed.n) /* one deep: what is inside has no tables of its own */
            push_parts(L, setting);
        else
            lua_newtable(L);
        break;
    }
}

/* Raises with the nearest name of this tenant's settings. */
static int unknown_setting(lua_State *L, const struct moon_decide *decide, struct moon_span name)
{
    struct moon_buf buf = moon_buf_of(conf_of(L)->settings);
    struct moon_nearest nearest = {0};
    struct moon_setting setting;
    const char *tenant = *decide->input->tenant ? decide->input->tenant : "*";
    char known[64], best[64]; /* no longer name is near; a policy may ask for ever */

    while (moon_setting_next(&buf, true, &setting)) {
        moon_sandbox_charge(L, 20);
        if (setting.key.n >= sizeof known)
            continue;
        (void)snprintf(known, sizeof known, "%.*s", (int)setting.key.n, setting.key.p);
        moon_nearest_offer(&nearest, name, known);
        if (nearest.best == known) {
            memcpy(best, known, sizeof best);
            nearest.best = best;
        }
    }
    if (nearest.best)
        return moon_sandbox_raise(
            L, "m.tenant.settings has no '%.60s' for tenant '%.64s'; did you mean '%.60s'?", name.p,
            tenant, nearest.best);
    return moon_sandbox_raise(L,
                              "m.tenant.settings has no '%.60s' for tenant '%.64s'; give it a "
                              "default in the entry \"*\" of tenants.lua",
                              name.p, tenant);
}

/* settings[name] [-0, +1], may raise */
static int settings_index(lua_State *L)
{
    struct moon_decide *decide = moon_sandbox_context(L);
    struct moon_setting setting;
    struct moon_span name;

    if (lua_type(L, 2) != LUA_TSTRING)
        return moon_sandbox_raise(L, "m.tenant.settings has names, not a %s", luaL_typename(L, 2));
    name.p = lua_tolstring(L, 2, &name.n);
    moon_sandbox_charge(L, 2 + conf_of(L)->settings.n / 256);
    moon_facts_note(decide, "tenant.settings.%.100s", name.p);
    if (!moon_setting_find(conf_of(L), name, &setting))
        return unknown_setting(L, decide, name);
    push_value(L, &setting);
    return 1;
}

static int settings_newindex(lua_State *L)
{
    return moon_sandbox_raise(L, "m.tenant.settings is read-only");
}

static int settings_tostring(lua_State *L)
{
    lua_pushliteral(L, "m.tenant.settings");
    return 1;
}

void moon_settings_push(lua_State *L, const void *object)
{
    (void)object; /* the tenant comes with the decision */
    (void)lua_newuserdatauv(L, 0, 0);
    if (luaL_newmetatable(L, METATABLE)) {
        static const luaL_Reg events[] = {{"__index", settings_index},
                                          {"__newindex", settings_newindex},
                                          {"__tostring", settings_tostring},
                                          {NULL, NULL}};
        luaL_setfuncs(L, events, 0);
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
}
