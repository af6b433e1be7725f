/* SPDX-License-Identifier: MIT
 *
 * tenants_config: tenants.lua to checked entries. Procedure: (1) run the file in a sandbox, (2)
 * walk the table it returned, an entry a tenant, (3) check each key and value, settings become
 * plain data, sorted, (4) mistakes get their line and are sorted by it.
 */
#include "lua/tenants_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/nearest.h"
#include "lua/complaints.h"
#include "lua/sandbox.h"

#define PATH_BYTES 300u

struct reading {
    struct moon_complaints complaints;
    struct moon_tenants_config *config;
};

/* The key under the value at the top as text; a number as its digits, so that a path can be built.
 * [-0, +0] */
static void key_text(lua_State *L, char *text_r, size_t size)
{
    if (lua_type(L, -2) == LUA_TSTRING)
        (void)snprintf(text_r, size, "%.100s", lua_tostring(L, -2)); /* cut: for messages */
    else if (lua_isinteger(L, -2))
        (void)snprintf(text_r, size, "%lld", (long long)lua_tointeger(L, -2));
    else
        (void)snprintf(text_r, size, "?");
}

/* --- settings ----------------------------------------------------------------------------------
 */

static int by_key(const void *a, const void *b)
{
    const struct moon_setting *x = a, *y = b;
    return moon_setting_compare(x->key, y->key);
}

/* Text at `index` into the arena. */
static bool copy_text(lua_State *L, struct reading *reading, int index, struct moon_span *text_r)
{
    struct moon_span text;
    text.p = lua_tolstring(L, index, &text.n);
    const char *copy = moon_arena_dup(reading->complaints.arena, text);
    *text_r = (struct moon_span){copy, copy ? text.n : 0};
    reading->complaints.no_memory = reading->complaints.no_memory || !copy;
    return copy != NULL;
}

static bool read_parts(lua_State *L, struct reading *reading, const char *path,
                       struct moon_setting *setting);

/* The value at the top. `flat`: no table is allowed. [-0, +0] */
static bool read_value(lua_State *L, struct reading *reading, const char *path, bool flat,
                       struct moon_setting *setting)
{
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        setting->type = MOON_SETTING_TEXT;
        return copy_text(L, reading, -1, &setting->text);
    case LUA_TNUMBER:
        setting->type = lua_isinteger(L, -1) ? MOON_SETTING_INTEGER : MOON_SETTING_NUMBER;
        setting->integer = lua_tointeger(L, -1);
        setting->number = lua_tonumber(L, -1);
        return true;
    case LUA_TBOOLEAN:
        setting->type = MOON_SETTING_BOOLEAN;
        setting->boolean = lua_toboolean(L, -1);
        return true;
    case LUA_TTABLE:
        if (!flat)
            return read_parts(L, reading, path, setting);
        moon_complaints_add(&reading->complaints, path,
                            "%.150s is a table inside a table; a setting is one deep at most",
                            path);
        return false;
    default:
        moon_complaints_add(&reading->complaints, path,
                            "%.150s must be a text, a number, a boolean or a table, not a %s", path,
                            luaL_typename(L, -1));
        return false;
    }
}

/* The items of the table at the top into an array of as many, sorted when they have names. [-0, +0]
 */
static bool read_items(lua_State *L, struct reading *reading, const char *path, bool list,
                       bool flat, struct moon_setting *items, size_t count)
{
    size_t n = 0;
    bool good = true;
    char inner[PATH_BYTES], key[120];

    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        moon_sandbox_charge(L, 10);
        size_t at = list ? (size_t)lua_tointeger(L, -2) - 1 : n; /* 1..count: seen before */
        key_text(L, key, sizeof key);
        (void)snprintf(inner, sizeof inner, "%s.%s", path, key);
        items[at] = (struct moon_setting){0};
        if (!list)
            good = copy_text(L, reading, -2, &items[at].key) && good;
        good = read_value(L, reading, inner, flat, &items[at]) && good;
        n++;
    }
    if (!list && count)
        qsort(items, count, sizeof *items, by_key);
    return good;
}

/* A table of the settings: a list, or names. [-0, +0] */
static bool read_parts(lua_State *L, struct reading *reading, const char *path,
                       struct moon_setting *setting)
{
    size_t count = 0, names = 0, length = lua_rawlen(L, -1);

    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        moon_sandbox_charge(L, 2);
        count++;
        names += lua_type(L, -2) == LUA_TSTRING && lua_rawlen(L, -2) <= 256;
    }
    if (names ? names != count : length != count) {
        moon_complaints_add(&reading->complaints, path,
                            "%.150s must be a list, or a table with texts as keys", path);
        return false;
    }
    if (count > MOON_TENANT_PARTS_MAX) {
        moon_complaints_add(&reading->complaints, path,
                            "%.150s has more than %u items; a list file holds more", path,
                            MOON_TENANT_PARTS_MAX);
        return false;
    }
    struct moon_setting *parts = moon_arena_array(reading->complaints.arena, count, sizeof *parts);
    reading->complaints.no_memory = reading->complaints.no_memory || !parts;
    setting->type = names ? MOON_SETTING_MAP : MOON_SETTING_LIST;
    setting->parts = parts;
    setting->part_count = count;
    return parts && read_items(L, reading, path, !names, true, parts, count);
}

/* settings = { ... } at the top. [-0, +0] */
static void read_settings(lua_State *L, struct reading *reading, const char *path,
                          struct moon_tenants_entry *entry)
{

    if (!lua_istable(L, -1)) {
        moon_complaints_add(&reading->complaints, path, "settings must be a table, not a %s",
                            luaL_typename(L, -1));
        return;
    }
    size_t count = 0, names = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        moon_sandbox_charge(L, 2);
        count++;
        names += lua_type(L, -2) == LUA_TSTRING && lua_rawlen(L, -2) <= 100;
    }
    if (names != count || count > MOON_TENANT_SETTINGS_MAX) {
        moon_complaints_add(&reading->complaints, path,
                            "settings have names of at most 100 bytes, and are %u at most",
                            MOON_TENANT_SETTINGS_MAX);
        return;
    }
    struct moon_setting *settings =
        moon_arena_array(reading->complaints.arena, count, sizeof *settings);
    reading->complaints.no_memory = reading->complaints.no_memory || !settings;
    if (!settings || !read_items(L, reading, path, false, false, settings, count))
        return;
    entry->settings = settings;
    entry->setting_count = count;
}

/* --- entries -----------------------------------------------------------------------------------
 */

/* The words of an entry; in alphabetical order. */
static const char *const entry_keys[] = {"canary", "mode", "policy", "settings"};

static void read_mode(lua_State *L, struct reading *reading, const char *path,
                      struct moon_tenants_entry *entry)
{
    struct moon_span word = {"", 0};
    struct moon_nearest nearest = {0};

    if (lua_type(L, -1) == LUA_TSTRING)
        word.p = lua_tolstring(L, -1, &word.n);
    if (moon_mode_of_name(word, &entry->mode))
        return;
    for (int mode = MOON_MODE_ENFORCE; mode <= MOON_MODE_SHADOW; mode++)
        moon_nearest_offer(&nearest, word, moon_mode_name((enum moon_mode)mode));
    moon_complaints_add(&reading->complaints, path,
                        "mode must be \"enforce\", \"dry_run\" or \"shadow\"%s%s%s",
                        nearest.best ? "; is \"" : "", nearest.best ? nearest.best : "",
                        nearest.best ? "\" meant?" : "");
}

static void read_canary(lua_State *L, struct reading *reading, const char *path,
                        struct moon_tenants_entry *entry)
{
    int whole = 0;
    lua_Integer percent = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : 0;
    if (!whole || percent < 0 || percent > 100)
        moon_complaints_add(
            &reading->complaints, path,
            "canary must be a whole number from 0 to 100: the percentage of messages that the "
            "next version decides");
    else
        entry->canary = (int)percent;
}

static void read_policy(lua_State *L, struct reading *reading, const char *path,
                        struct moon_tenants_entry *entry)
{
    struct moon_span name = {"", 0};
    if (lua_type(L, -1) == LUA_TSTRING)
        name.p = lua_tolstring(L, -1, &name.n);
    bool good = name.n > 0 && name.n <= 64;
    for (size_t i = 0; good && i < name.n; i++)
        good = (name.p[i] >= 'a' && name.p[i] <= 'z') || moon_is_digit(name.p[i]) ||
               (i > 0 && (name.p[i] == '-' || name.p[i] == '_'));
    if (good)
        entry->policy = moon_arena_dup(reading->complaints.arena, name);
    else
        moon_complaints_add(
            &reading->complaints, path,
            "policy must be the name of a file in policies/, without .lua: lower-case "
            "letters, digits, '-' and '_'");
    reading->complaints.no_memory = reading->complaints.no_memory || (good && !entry->policy);
}

static void complain_unknown(struct reading *reading, const char *path, const char *key)
{
    struct moon_nearest nearest = {0};
    for (size_t i = 0; i < sizeof entry_keys / sizeof *entry_keys; i++)
        moon_nearest_offer(&nearest, moon_span_of(key), entry_keys[i]);
    if (nearest.best)
        moon_complaints_add(&reading->complaints, path, "a tenant has no '%s'; did you mean '%s'?",
                            key, nearest.best);
    else
        moon_complaints_add(
            &reading->complaints, path,
            "a tenant has no '%s'; it has canary, mode, policy and settings, and what policies "
            "read goes into settings",
            key);
}

/* The entry at the top. [-0, +0] */
static void read_entry(lua_State *L, struct reading *reading, struct moon_tenants_entry *entry)
{
    static void (*const readers[])(lua_State *, struct reading *, const char *,
                                   struct moon_tenants_entry *) = {read_canary, read_mode,
                                                                   read_policy, read_settings};
    char path[PATH_BYTES], key[120];

    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        size_t i = 0;
        moon_sandbox_charge(L, 20);
        key_text(L, key, sizeof key);
        (void)snprintf(path, sizeof path, "%.100s.%s", entry->name, key);
        while (i < sizeof entry_keys / sizeof *entry_keys && strcmp(entry_keys[i], key) != 0)
            i++;
        if (i < sizeof entry_keys / sizeof *entry_keys)
            readers[i](L, reading, path, entry);
        else
            complain_unknown(reading, path, key);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct moon_tenants_entry *x = a, *y = b;
    return strcmp(x->name, y->name); /* '*' comes before letters and digits */
}

static int read_file(lua_State *L)
{
    struct reading *reading = moon_sandbox_context(L);
    struct moon_tenants_config *config = reading->config;
    size_t count = 0;
    char key[120];

    moon_library_open(L);
    moon_sandbox_load(L, reading->complaints.source, reading->complaints.name);
    lua_call(L, 0, 1);
    if (!lua_istable(L, -1)) {
        (void)lua_pushfstring(L, "%s:1: the file must return a table: return { acme = { ... } }",
                              reading->complaints.name);
        return lua_error(L);
    }
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        moon_sandbox_charge(L, 1);
        count++;
    }
    config->entries = moon_arena_array(reading->complaints.arena, count, sizeof *config->entries);
    reading->complaints.no_memory = reading->complaints.no_memory || !config->entries;
    if (!config->entries)
        return 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        struct moon_span name;
        key_text(L, key, sizeof key);
        if (lua_type(L, -2) != LUA_TSTRING || !lua_istable(L, -1)) {
            moon_complaints_add(&reading->complaints, key,
                                "an entry is like: acme = { mode = \"enforce\" }");
            continue;
        }
        struct moon_tenants_entry *entry = &config->entries[config->count];
        *entry = (struct moon_tenants_entry){.canary = -1};
        if (!copy_text(L, reading, -2, &name))
            return 0;
        entry->name = name.p;
        config->count++;
        read_entry(L, reading, entry);
    }
    if (config->count)
        qsort(config->entries, config->count, sizeof *config->entries, by_name);
    return 0;
}

/* --- the file ----------------------------------------------------------------------------------
 */

enum moon_status moon_tenants_parse(struct moon_arena *arena, struct moon_span source,
                                    const char *name, int64_t instructions,
                                    struct moon_tenants_config *config_r)
{
    struct moon_limits limits = {instructions, MOON_TENANT_FILE_BYTES, MOON_TENANT_FILE_MS};
    struct reading reading = {{.arena = arena, .source = source, .name = name}, config_r};
    struct moon_error error = {""};

    *config_r = (struct moon_tenants_config){0};
    struct moon_sandbox *sandbox = moon_sandbox_create(&limits);
    if (!sandbox)
        return MOON_ENOMEM;
    if (moon_sandbox_run(sandbox, read_file, &reading, &error) != MOON_OK) {
        moon_complaints_only(&reading.complaints, error.text);
        config_r->count = 0;
    }
    moon_sandbox_destroy(&sandbox);
    return moon_complaints_end(&reading.complaints, &config_r->errors, &config_r->error_count);
}

struct moon_span moon_tenants_pack(struct moon_arena *arena, const struct moon_tenants_entry *entry,
                                   const struct moon_tenants_entry *others)
{
    static const struct moon_tenants_entry nothing = {.canary = -1};
    const struct moon_tenants_entry *base = others ? others : &nothing;
    size_t n = 0, i = 0, k = 0;
    int canary = entry->canary >= 0 ? entry->canary : base->canary;
    struct moon_setting *all =
        moon_arena_array(arena, entry->setting_count + base->setting_count, sizeof *all);

    if (!all)
        return (struct moon_span){NULL, 0};
    while (i < entry->setting_count || k < base->setting_count) { /* both are sorted */
        int order = i == entry->setting_count ? 1
                    : k == base->setting_count
                        ? -1
                        : moon_setting_compare(entry->settings[i].key, base->settings[k].key);
        all[n++] = order <= 0 ? entry->settings[i] : base->settings[k];
        i += order <= 0;
        k += order >= 0;
    }
    return moon_tenant_conf_pack(arena, entry->mode ? entry->mode : base->mode,
                                 canary > 0 ? (unsigned)canary : 0, all, n);
}
