/* SPDX-License-Identifier: MIT
 *
 * lists: reads a list file into C structures. Procedure: (1) run the file in a sandbox of its own,
 * (2) walk the array it returned; each item is checked and copied into the arena, (3) errors get
 * the line at which the item, or its field, stands in the file.
 */
#include "lua/lists.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/nearest.h"
#include "engine/message/domain.h"
#include "lua/lines.h"

struct reading {
    struct moon_arena *arena;
    struct moon_span source;
    struct moon_list *list;
    bool no_memory;
};

static struct reading *reading_of(lua_State *L)
{
    return moon_sandbox_context(L);
}

/* Raises "path:line: item 3: what"; `field` may be NULL. */
static int wrong(lua_State *L, size_t item, const char *field, const char *what)
{
    const struct reading *reading = reading_of(L);
    char path[128];
    (void)snprintf(path, sizeof path, "%zu%s%.80s", item, field ? "." : "", field ? field : "");
    (void)lua_pushfstring(L, "%s:%d: item %d: %s", reading->list->path,
                          moon_lines_find(reading->source, path), (int)item, what);
    return lua_error(L);
}

/* The text at a stack index; raises when it is longer than a list can be, so that only many of them
 * can use up the arena. */
static struct moon_span text_at(lua_State *L, int index)
{
    struct moon_span text;
    text.p = lua_tolstring(L, index, &text.n);
    if (text.n > MOON_LIST_BYTES_MAX)
        (void)luaL_error(L, "%s:1: a text in a list may have %d bytes at most",
                         reading_of(L)->list->path, (int)MOON_LIST_BYTES_MAX);
    return text;
}

/* Copies into the arena; raises without memory. */
static const char *keep(lua_State *L, struct moon_span text)
{
    struct reading *reading = reading_of(L);
    const char *copy = moon_arena_dup(reading->arena, text);
    if (!copy) {
        reading->no_memory = true;
        (void)lua_error(L); /* what is on the stack; the caller sees no_memory */
    }
    return copy;
}

static const char *domain_at(lua_State *L, int index, size_t item, const char *field)
{
    char what[160];
    struct moon_span text = text_at(L, index);
    const char *domain = moon_domain_normalize(reading_of(L)->arena, text);
    if (!domain || !strchr(domain, '.')) {
        (void)snprintf(what, sizeof what, "%s%s'%.80s' is no domain", field ? field : "",
                       field ? ": " : "", text.p);
        (void)wrong(L, item, field, what);
    }
    return domain;
}

/* fields[name] of the entry at the top: pushes it; false (nothing pushed) when it is nil. */
static bool push_field(lua_State *L, size_t item, const char *name, int type)
{
    char what[100];
    int got = lua_getfield(L, -1, name);
    if (got == LUA_TNIL) {
        lua_pop(L, 1);
        return false;
    }
    if (got != type) {
        (void)snprintf(what, sizeof what, "%s must be a %s, not a %s", name,
                       type == LUA_TSTRING ? "text" : "list of texts", lua_typename(L, got));
        (void)wrong(L, item, name, what);
    }
    return true;
}

static const char *text_field(lua_State *L, size_t item, const char *name)
{
    if (!push_field(L, item, name, LUA_TSTRING))
        return NULL;
    const char *text = keep(L, text_at(L, -1));
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            (void)wrong(L, item, name, "a text of one line is wanted");
    lua_pop(L, 1);
    return text;
}

static const char *domain_field(lua_State *L, size_t item, const char *name)
{
    if (!push_field(L, item, name, LUA_TSTRING))
        return NULL;
    const char *domain = domain_at(L, -1, item, name);
    lua_pop(L, 1);
    return domain;
}

/* "user@domain", a domain, or ".domain"; lower case. */
static const char *address_at(lua_State *L, size_t item, const char *field, bool local)
{
    struct moon_span text = text_at(L, -1);
    size_t at = local ? moon_span_rfind(text, '@') : (size_t)-1;
    size_t from = at == (size_t)-1 ? 0 : at + 1;
    if (from == 0 && text.n && text.p[0] == '.')
        from = 1;
    for (size_t i = 0; i < from; i++) /* a NUL would end the copy before its length */
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            (void)wrong(L, item, field, "an address or a domain has no control bytes");
    lua_pushlstring(L, text.p + from, text.n - from);
    const char *domain = domain_at(L, -1, item, field);
    lua_pop(L, 1);
    char *whole = moon_arena_printf(reading_of(L)->arena, "%.*s%s", (int)from, text.p, domain);
    if (!whole) {
        reading_of(L)->no_memory = true;
        (void)lua_error(L); /* never returns */
    }
    for (size_t i = 0; i < from; i++)
        whole[i] = moon_lower(whole[i]);
    return whole;
}

/* A field that is a list: texts as written, or addresses. */
static struct moon_texts texts_field(lua_State *L, size_t item, const char *name, bool local,
                                     bool plain)
{
    struct moon_texts texts = {NULL, 0};
    if (!push_field(L, item, name, LUA_TTABLE))
        return texts;
    size_t count = lua_rawlen(L, -1);
    if (count == 0 || count > MOON_LIST_ENTRIES_MAX)
        (void)wrong(L, item, name, "a list with something in it is wanted");
    texts.items = moon_arena_array(reading_of(L)->arena, count, sizeof *texts.items);
    if (!texts.items) {
        reading_of(L)->no_memory = true;
        (void)lua_error(L); /* never returns */
    }
    for (size_t i = 0; i < count; i++) {
        moon_sandbox_charge(L, 4);
        if (lua_rawgeti(L, -1, (lua_Integer)i + 1) != LUA_TSTRING)
            (void)wrong(L, item, name, "a list of texts is wanted");
        texts.items[i] = plain ? keep(L, text_at(L, -1)) : address_at(L, item, name, local);
        lua_pop(L, 1);
    }
    texts.count = count;
    lua_pop(L, 1);
    return texts;
}

static void networks_field(lua_State *L, size_t item, struct moon_list_entry *entry)
{
    char what[120];
    entry->network_texts = texts_field(L, item, "networks", false, true);
    entry->networks =
        moon_arena_array(reading_of(L)->arena, entry->network_texts.count, sizeof *entry->networks);
    if (!entry->networks) {
        reading_of(L)->no_memory = true;
        (void)lua_error(L); /* never returns */
    }
    for (size_t i = 0; i < entry->network_texts.count; i++) {
        const char *text = entry->network_texts.items[i];
        if (!moon_net_parse(moon_span_of(text), &entry->networks[i])) {
            (void)snprintf(what, sizeof what, "networks: '%.60s' is no address and no network",
                           text);
            (void)wrong(L, item, "networks", what);
        }
    }
    entry->network_count = entry->network_texts.count;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static void expires_field(lua_State *L, size_t item, struct moon_list_entry *entry)
{
    uint64_t year = 0, month = 0, day = 0;
    entry->expires = text_field(L, item, "expires");
    if (!entry->expires)
        return;
    struct moon_span text = moon_span_of(entry->expires);
    if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-' ||
        !moon_span_number(moon_span_sub(text, 0, 4), 9999, &year) || year < 1970 ||
        !moon_span_number(moon_span_sub(text, 5, 2), 12, &month) || month < 1 ||
        !moon_span_number(moon_span_sub(text, 8, 2), 31, &day) || day < 1)
        (void)wrong(L, item, "expires", "expires must be a date like \"2027-12-31\"");
    entry->expires_s = (days_of((int64_t)year, (int64_t)month, (int64_t)day) + 1) * 86400;
}

static void check_fields(lua_State *L, size_t item)
{
    static const char *const names[] = {"name",       "dkim", "spf",     "arc", "networks",
                                        "recipients", "from", "expires", "note"};
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        const char *key = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
        struct moon_nearest nearest = {0};
        char what[200];
        bool known = false;
        for (size_t i = 0; key && i < sizeof names / sizeof names[0]; i++) {
            known = known || !strcmp(key, names[i]);
            moon_nearest_offer(&nearest, moon_span_of(key), names[i]);
        }
        if (known)
            continue;
        (void)snprintf(what, sizeof what, "there is no field '%.60s'%s%s%s", key ? key : "[number]",
                       nearest.best ? "; did you mean '" : "", nearest.best ? nearest.best : "",
                       nearest.best ? "'?" : "");
        (void)wrong(L, item, key, what);
    }
}

/* The item at the top of the stack. */
static void read_item(lua_State *L, size_t item, struct moon_list_entry *entry)
{
    int type = lua_type(L, -1);
    if (type == LUA_TSTRING) {
        entry->bare = true;
        entry->name = entry->dkim = domain_at(L, -1, item, NULL);
        return;
    }
    if (type != LUA_TTABLE)
        (void)wrong(L, item, NULL, "a domain or a table is wanted");
    check_fields(L, item);
    entry->name = text_field(L, item, "name");
    entry->dkim = domain_field(L, item, "dkim");
    entry->spf = domain_field(L, item, "spf");
    entry->arc = domain_field(L, item, "arc");
    networks_field(L, item, entry);
    entry->recipients = texts_field(L, item, "recipients", true, false);
    entry->from = texts_field(L, item, "from", false, false);
    expires_field(L, item, entry);
    entry->note = text_field(L, item, "note");
    if (!entry->name)
        (void)wrong(L, item, NULL, "it has no name");
    if (!entry->dkim && !entry->spf && !entry->arc && !entry->network_count)
        (void)wrong(L, item, NULL,
                    "dkim, spf, arc or networks must say how the host is known; "
                    "anybody can write the rest");
}

static int read_list(lua_State *L)
{
    struct reading *reading = reading_of(L);
    moon_library_open(L);
    moon_sandbox_load(L, reading->source, reading->list->path);
    lua_call(L, 0, 1);
    if (!lua_istable(L, -1)) {
        (void)lua_pushfstring(L, "%s:1: a list file returns a table: return { ... }",
                              reading->list->path);
        return lua_error(L);
    }
    size_t count = lua_rawlen(L, -1);
    lua_pushnil(L);
    if (count == 0 && lua_next(L, -2)) {
        (void)lua_pushfstring(L, "%s:1: a list file returns an array of entries, each in braces",
                              reading->list->path);
        return lua_error(L);
    }
    if (count > MOON_LIST_ENTRIES_MAX)
        return wrong(L, MOON_LIST_ENTRIES_MAX, NULL, "there are too many items");
    lua_settop(L, 1);
    reading->list->entries =
        moon_arena_array(reading->arena, count, sizeof(struct moon_list_entry));
    if (!reading->list->entries) {
        reading->no_memory = true;
        return lua_error(L);
    }
    for (size_t i = 0; i < count; i++) {
        (void)lua_rawgeti(L, 1, (lua_Integer)i + 1);
        read_item(L, i + 1, &reading->list->entries[i]);
        lua_settop(L, 1);
    }
    reading->list->count = count;
    return 0;
}

enum moon_status moon_list_parse(struct moon_arena *arena, const struct moon_limits *limits,
                                 struct moon_span source, const char *name, const char *path,
                                 struct moon_list **list_r, struct moon_error *error)
{
    struct reading reading = {.arena = arena, .source = source};
    struct moon_sandbox *sandbox = NULL;
    enum moon_status status = MOON_ENOMEM;

    *list_r = NULL;
    if (source.n > MOON_LIST_BYTES_MAX)
        return moon_fail(error, MOON_ECONF, "%s:1: a list may have %u bytes at most", path,
                         MOON_LIST_BYTES_MAX);
    reading.list = moon_arena_alloc(arena, sizeof *reading.list);
    if (!reading.list)
        goto done;
    reading.list->name = moon_arena_cstr(arena, name);
    reading.list->path = moon_arena_cstr(arena, path);
    sandbox = moon_sandbox_create(limits);
    if (!reading.list->name || !reading.list->path || !sandbox)
        goto done;
    status = moon_sandbox_run(sandbox, read_list, &reading, error);
    if (reading.no_memory && moon_arena_used_bytes(arena) > MOON_LIST_MEMORY_MAX / 2)
        status = moon_fail(error, MOON_ECONF, "%s:1: the list needs more than %u bytes of memory",
                           path, MOON_LIST_MEMORY_MAX); /* its author's fault, not the host's */
    else if (reading.no_memory)
        status = MOON_ENOMEM;
    if (status == MOON_OK)
        *list_r = reading.list;
done:
    moon_sandbox_destroy(&sandbox);
    return status == MOON_ENOMEM ? moon_fail(error, status, "%s: no memory", path) : status;
}
