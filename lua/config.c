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
#include "lua/lines.h"
#include "lua/sandbox.h"

#define NAME_BYTES 128u /* of a dotted name, our longest is 30 */
#define ERRORS_MAX 50u  /* nobody reads more at once */

struct complaint {
    int line;
    const char *text;
};

struct reading {
    struct moon_arena *arena;
    struct moon_span source;
    const char *name;
    struct moon_config *config;
    struct complaint complaints[ERRORS_MAX];
    size_t complaint_count;
    bool no_memory;
};

/* Notes an error about the setting `path`; never raises. */
static void complain(struct reading *reading, const char *path, const char *what)
{
    if (reading->complaint_count >= ERRORS_MAX)
        return;
    int line = moon_lines_find(reading->source, path);
    char *text = moon_arena_printf(reading->arena, "%s:%d: %s", reading->name, line, what);
    if (!text) {
        reading->no_memory = true;
        return;
    }
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    reading->complaints[reading->complaint_count++] = (struct complaint){line, text};
}

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
    char what[400];
    const char *near = moon_conf_key_nearest(moon_span_of(path));
    (void)snprintf(what, sizeof what, "there is no setting '%.120s'%s%s%s", path,
                   near ? "; did you mean '" : "; see moonscan config for all of them",
                   near ? near : "", near ? "'?" : "");
    complain(reading, path, what);
}

/* The array at the top as lines; NULL after a complaint. [-0, +0] */
static const char *lines_of(lua_State *L, struct reading *reading, const char *path)
{
    char what[200];
    struct moon_str str;
    size_t count = lua_rawlen(L, -1), keys = 0;
    moon_str_begin(&str, reading->arena);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        moon_sandbox_charge(L, 1);
        keys++;
    }
    if (keys != count) {
        (void)snprintf(what, sizeof what, "%s must be a list like { \"...\", \"...\" }", path);
        complain(reading, path, what);
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
            (void)snprintf(what, sizeof what, "%s: item %zu must be a text of one line", path, i);
            complain(reading, path, what);
            return NULL;
        }
    }
    const char *lines = moon_str_end(&str);
    if (!lines)
        reading->no_memory = true;
    return lines;
}

/* The value at the top as canonical text; NULL after a complaint. [-0, +0] */
static const char *canonical(lua_State *L, struct reading *reading, const struct moon_conf_key *key)
{
    static const char *const wanted[] = {"a text", "a text", "a whole number", "a list of texts",
                                         "a list of texts"};
    char what[200];
    bool list = key->type == MOON_CONF_TYPE_STRINGS || key->type == MOON_CONF_TYPE_NETS;
    int type = lua_type(L, -1), whole = 0;
    lua_Integer number =
        key->type == MOON_CONF_TYPE_INT && type == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : 0;
    const char *text = NULL;

    if (list && type == LUA_TTABLE)
        return lines_of(L, reading, key->name);
    if (key->type == MOON_CONF_TYPE_INT && whole) {
        text = moon_arena_printf(reading->arena, "%lld", (long long)number);
    } else if (key->type != MOON_CONF_TYPE_INT && type == LUA_TSTRING) {
        struct moon_span value; /* a list of one item may be written as a text */
        value.p = lua_tolstring(L, -1, &value.n);
        if (strlen(value.p) == value.n)
            text = moon_arena_dup(reading->arena, value);
        else
            text = moon_arena_cstr(reading->arena, "\x01"); /* with a NUL: the schema refuses it */
    } else {
        (void)snprintf(what, sizeof what, "%s must be %s, not a %s", key->name, wanted[key->type],
                       lua_typename(L, type));
        complain(reading, key->name, what);
        return NULL;
    }
    if (!text)
        reading->no_memory = true;
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
        complain(reading, key->name, error.text);
        return;
    }
    struct moon_config_value *larger = moon_arena_append(
        reading->arena, config->values, config->value_count, sizeof *config->values);
    if (!larger) {
        reading->no_memory = true;
        return;
    }
    config->values = larger;
    config->values[config->value_count++] =
        (struct moon_config_value){key, value, moon_lines_find(reading->source, key->name)};
}

/* The table at the top; `prefix` is "" or a group's name. [-0, +0] */
static void read_table(lua_State *L, struct reading *reading, const char *prefix)
{
    char path[NAME_BYTES];
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        moon_sandbox_charge(L, 100); /* finding the line reads the whole source */
        if (lua_type(L, -2) != LUA_TSTRING) {
            complain(reading, *prefix ? prefix : "1",
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
            complain(reading, path, "a table of settings is wanted here, like dns = { ... }");
        else
            complain_unknown(reading, path);
        lua_pop(L, 1);
    }
}

static int read_config(lua_State *L)
{
    struct reading *reading = moon_sandbox_context(L);
    moon_library_open(L);
    moon_sandbox_load(L, reading->source, reading->name);
    lua_call(L, 0, 1);
    if (!lua_istable(L, -1)) {
        (void)lua_pushfstring(L, "%s:1: the file must return a table: return { ... }",
                              reading->name);
        return lua_error(L);
    }
    read_table(L, reading, "");
    return 0;
}

static int by_line(const void *a, const void *b)
{
    const struct complaint *x = a, *y = b;
    return x->line != y->line ? (x->line > y->line) - (x->line < y->line)
                              : strcmp(x->text, y->text);
}

static int by_key(const void *a, const void *b)
{
    const struct moon_config_value *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* Sorted, because Lua's order of keys differs from run to run. */
static enum moon_status finish(struct reading *reading)
{
    struct moon_config *config = reading->config;
    if (config->value_count)
        qsort(config->values, config->value_count, sizeof *config->values, by_key);
    if (reading->complaint_count)
        qsort(reading->complaints, reading->complaint_count, sizeof *reading->complaints, by_line);
    config->errors =
        moon_arena_array(reading->arena, reading->complaint_count, sizeof *config->errors);
    if (!config->errors)
        return MOON_ENOMEM;
    for (size_t i = 0; i < reading->complaint_count; i++)
        config->errors[config->error_count++] = reading->complaints[i].text;
    return MOON_OK;
}

enum moon_status moon_config_parse(struct moon_arena *arena, struct moon_span source,
                                   const char *name, struct moon_config *config_r)
{
    static const struct moon_limits limits = {MOON_POLICY_INSTRUCTIONS, MOON_POLICY_BYTES,
                                              MOON_POLICY_MS};
    struct reading reading = {.arena = arena, .source = source, .name = name, .config = config_r};
    struct moon_error error = {""};

    *config_r = (struct moon_config){0};
    if (source.n > MOON_SOURCE_BYTES_MAX) {
        complain(&reading, "", "the file is too large");
        return reading.no_memory ? MOON_ENOMEM : finish(&reading);
    }
    struct moon_sandbox *sandbox = moon_sandbox_create(&limits);
    if (!sandbox)
        return MOON_ENOMEM;
    enum moon_status status = moon_sandbox_run(sandbox, read_config, &reading, &error);
    moon_sandbox_destroy(&sandbox);
    if (reading.no_memory)
        return MOON_ENOMEM;
    if (status != MOON_OK) {
        const char *text = moon_arena_cstr(arena, error.text);
        if (!text)
            return MOON_ENOMEM;
        reading.complaints[0] = (struct complaint){0, text};
        reading.complaint_count = 1;
    }
    return finish(&reading);
}
