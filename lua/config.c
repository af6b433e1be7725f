/* SPDX-License-Identifier: MIT
 *
 * config: moonscan.lua to canonical settings. Procedure: (1) run the file in a sandbox, (2) walk
 * the table it returned; tables that are no settings themselves are groups ("dns" of
 * "dns.servers"), (3) each value becomes canonical text and is checked by the schema, (4) errors
 * get their line and are sorted by it.
 */
#include "lua/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "lua/complaints.h"
#include "lua/lines.h"
#include "lua/sandbox.h"

#define NAME_BYTES 128u /* of a dotted name, our longest is 30 */

struct reading {
    struct moon_complaints complaints;
    struct moon_config *config;
};

static bool is_group(const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < moon_conf_key_count; i++)
        if (!strncmp(moon_conf_keys[i].name, path, n) && moon_conf_keys[i].name[n] == '.')
            return true;
    return false;
}

static void complain_unknown(struct reading *reading, const char *path)
{
    const char *near = moon_conf_key_nearest(moon_span_of(path));
    moon_complaints_add(&reading->complaints, path, "there is no setting '%.120s'%s%s%s", path,
                        near ? "; did you mean '" : "; see moonscan config for all of them",
                        near ? near : "", near ? "'?" : "");
}

/* The array at the top as lines; NULL after a complaint. [-0, +0] */
static const char *lines_of(lua_State *L, struct reading *reading, const char *path)
{
    struct moon_str str;
    size_t count = lua_rawlen(L, -1), keys = 0;
    moon_str_begin(&str, reading->complaints.arena);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        moon_sandbox_charge(L, 1);
        keys++;
    }
    if (keys != count) {
        moon_complaints_add(&reading->complaints, path,
                            "%s must be a list like { \"...\", \"...\" }", path);
        return NULL;
    }
    for (size_t i = 1; i <= count; i++) {
        moon_sandbox_charge(L, 4);
        bool text = lua_rawgeti(L, -1, (lua_Integer)i) == LUA_TSTRING;
        struct moon_span item = {"", 0};
        if (text)
            item.p = lua_tolstring(L, -1, &item.n);
        bool good = item.n > 0 && moon_span_find(item, '\n') == (size_t)-1;
        if (good && i > 1)
            moon_str_add_char(&str, '\n');
        if (good)
            moon_str_add_span(&str, item);
        lua_pop(L, 1);
        if (!good) {
            moon_complaints_add(&reading->complaints, path,
                                "%s: item %zu must be a text of one line", path, i);
            return NULL;
        }
    }
    const char *lines = moon_str_end(&str);
    if (!lines)
        reading->complaints.no_memory = true;
    return lines;
}

/* The value at the top as canonical text; NULL after a complaint. [-0, +0] */
static const char *canonical(lua_State *L, struct reading *reading, const struct moon_conf_key *key)
{
    static const char *const wanted[] = {"a text", "a text", "a whole number", "a list of texts",
                                         "a list of texts"};
    bool list = key->type == MOON_CONF_TYPE_STRINGS || key->type == MOON_CONF_TYPE_NETS;
    int type = lua_type(L, -1), whole = 0;
    lua_Integer number =
        key->type == MOON_CONF_TYPE_INT && type == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : 0;
    const char *text = NULL;

    if (list && type == LUA_TTABLE)
        return lines_of(L, reading, key->name);
    if (key->type == MOON_CONF_TYPE_INT && whole) {
        text = moon_arena_printf(reading->complaints.arena, "%lld", (long long)number);
    } else if (key->type != MOON_CONF_TYPE_INT && type == LUA_TSTRING) {
        struct moon_span value; /* a list of one item may be written as a text */
        value.p = lua_tolstring(L, -1, &value.n);
        if (strlen(value.p) == value.n)
            text = moon_arena_dup(reading->complaints.arena, value);
        else
            text = moon_arena_cstr(reading->complaints.arena,
                                   "\x01"); /* with a NUL: the schema refuses it */
    } else {
        moon_complaints_add(&reading->complaints, key->name, "%s must be %s, not a %s", key->name,
                            wanted[key->type], lua_typename(L, type));
        return NULL;
    }
    if (!text)
        reading->complaints.no_memory = true;
    return text;
}

/* The value at the top belongs to this key. [-0, +0] */
static void read_value(lua_State *L, struct reading *reading, const struct moon_conf_key *key)
{
    struct moon_config *config = reading->config;
    struct moon_error error = {""};
    const char *value = canonical(L, reading, key);
    if (!value)
        return;
    if (moon_conf_value_check(key, moon_span_of(value), &error) != MOON_OK) {
        moon_complaints_add(&reading->complaints, key->name, "%s", error.text);
        return;
    }
    struct moon_config_value *larger = moon_arena_append(
        reading->complaints.arena, config->values, config->value_count, sizeof *config->values);
    if (!larger) {
        reading->complaints.no_memory = true;
        return;
    }
    config->values = larger;
    config->values[config->value_count++] = (struct moon_config_value){
        key, value, moon_lines_find(reading->complaints.source, key->name)};
}

/* The table at the top; `prefix` is "" or a group's name. [-0, +0] */
static void read_table(lua_State *L, struct reading *reading, const char *prefix)
{
    char path[NAME_BYTES];
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        moon_sandbox_charge(L, 100); /* finding the line reads the whole source */
        if (lua_type(L, -2) != LUA_TSTRING) {
            moon_complaints_add(&reading->complaints, *prefix ? prefix : "1",
                                "settings have names, like policy = \"strict\"");
            lua_pop(L, 1);
            continue;
        }
        (void)snprintf(path, sizeof path, "%s%s%.80s", prefix, *prefix ? "." : "",
                       lua_tostring(L, -2));
        const struct moon_conf_key *key = moon_conf_key_find(moon_span_of(path));
        if (key)
            read_value(L, reading, key);
        else if (!*prefix && is_group(path) && lua_istable(L, -1))
            read_table(L, reading, path);
        else if (!*prefix && is_group(path))
            moon_complaints_add(&reading->complaints, path,
                                "a table of settings is wanted here, like dns = { ... }");
        else
            complain_unknown(reading, path);
        lua_pop(L, 1);
    }
}

static int read_config(lua_State *L)
{
    struct reading *reading = moon_sandbox_context(L);
    moon_library_open(L);
    moon_sandbox_load(L, reading->complaints.source, reading->complaints.name);
    lua_call(L, 0, 1);
    if (!lua_istable(L, -1)) {
        (void)lua_pushfstring(L, "%s:1: the file must return a table: return { ... }",
                              reading->complaints.name);
        return lua_error(L);
    }
    read_table(L, reading, "");
    return 0;
}

static int by_key(const void *a, const void *b)
{
    const struct moon_config_value *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

enum moon_status moon_config_parse(struct moon_arena *arena, struct moon_span source,
                                   const char *name, struct moon_config *config_r)
{
    static const struct moon_limits limits = {MOON_POLICY_INSTRUCTIONS, MOON_POLICY_BYTES,
                                              MOON_POLICY_MS};
    struct reading reading = {{.arena = arena, .source = source, .name = name}, config_r};
    struct moon_error error = {""};

    *config_r = (struct moon_config){0};
    if (source.n > MOON_SOURCE_BYTES_MAX) {
        moon_complaints_add(&reading.complaints, "", "the file is too large");
    } else {
        struct moon_sandbox *sandbox = moon_sandbox_create(&limits);
        if (!sandbox)
            return MOON_ENOMEM;
        if (moon_sandbox_run(sandbox, read_config, &reading, &error) != MOON_OK)
            moon_complaints_only(&reading.complaints, error.text);
        moon_sandbox_destroy(&sandbox);
    }
    if (config_r->value_count)
        qsort(config_r->values, config_r->value_count, sizeof *config_r->values, by_key);
    return moon_complaints_end(&reading.complaints, &config_r->errors, &config_r->error_count);
}
