/* SPDX-License-Identifier: MIT
 *
 * tests: the table `policy.tests` into C. Procedure: (1) run the file, (2) each item of the list
 * is read by the table of its keys, and the tables in it by theirs, (3) the first mistake of a test
 * is kept with the line it stands at, as the source's tokens tell it. Everything is read without
 * metatables and charged to the sandbox: a tenant wrote it.
 */
#include "lua/tests.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/nearest.h"
#include "lua/facts.h"
#include "lua/test_lines.h"

enum kind {
    TEXT,          /* const char * */
    TEXT_OR_NONE,  /* false is "" */
    TEXT_OR_TRUE,  /* true is "yes" */
    TEXT_OR_FILE,  /* TEXT; the one text of the test before is not copied again */
    TEXTS,         /* struct moon_test_texts; one text may stand for a list */
    TEXTS_OR_NONE, /* false and {} are `none` */
    LINE,          /* a text, or a whole number */
    BOOL,
    UNLESS,  /* bool, the other way round */
    NUMBER,  /* int64_t, not negative */
    TIME,    /* int64_t */
    RECORD,  /* a table of its own keys */
    RECORDS, /* a list of such; the count stands behind the pointer */
    MESSAGE, /* RECORD, or a text: its `file` */
};

struct shape;
struct key {
    const char *name;
    enum kind kind;
    size_t offset;
    const struct shape *shape;
};
struct shape {
    const char *name; /* for messages */
    const struct key *keys;
    size_t key_count, size;
    void (*begin)(void *record); /* defaults that are not zero, or NULL */
};

struct reading {
    lua_State *L;
    struct moon_tests *tests;
    struct moon_test *test;
    struct moon_test_names names;
    int line;         /* of the list */
    const void *zone; /* Lua's text of the last zone: tests mostly share one */
    size_t zone_size;
    const char *zone_copy;
};

/* --- the keys ------------------------------------------------------------------------------------
 */

#define COUNT(keys) (sizeof(keys) / sizeof(keys)[0])
#define AT(of, name, kind)                                                                         \
    {                                                                                              \
#name, kind, offsetof(struct of, name), NULL                                               \
    }
#define AS(of, key, name, kind)                                                                    \
    {                                                                                              \
        key, kind, offsetof(struct of, name), NULL                                                 \
    }
#define OF(of, name, kind, shape)                                                                  \
    {                                                                                              \
#name, kind, offsetof(struct of, name), shape                                              \
    }

static void begin_sign(void *record)
{
    struct moon_test_sign *sign = record;
    sign->length = sign->signed_at_s = sign->expires_s = -1;
}

static const struct key sign_keys[] = {
    AT(moon_test_sign, domain, TEXT),
    AT(moon_test_sign, selector, TEXT),
    AT(moon_test_sign, algorithm, TEXT),
    AS(moon_test_sign, "canonicalization", canon, TEXT),
    AT(moon_test_sign, headers, TEXT),
    AT(moon_test_sign, identity, TEXT),
    AT(moon_test_sign, length, NUMBER),
    AS(moon_test_sign, "signed_at", signed_at_s, TIME),
    AS(moon_test_sign, "expires", expires_s, TIME),
    AT(moon_test_sign, broken, BOOL),
    AS(moon_test_sign, "publish", unpublished, UNLESS),
    AT(moon_test_sign, late, BOOL),
};
static const struct shape sign_shape = {"sign", sign_keys, COUNT(sign_keys),
                                        sizeof(struct moon_test_sign), begin_sign};

static const struct key seal_keys[] = {
    AT(moon_test_seal, domain, TEXT),
    AT(moon_test_seal, selector, TEXT),
    AT(moon_test_seal, algorithm, TEXT),
    AT(moon_test_seal, results, TEXT),
    AT(moon_test_seal, cv, TEXT),
    AT(moon_test_seal, broken, BOOL),
    AS(moon_test_seal, "publish", unpublished, UNLESS),
};
static const struct shape seal_shape = {"seal", seal_keys, COUNT(seal_keys),
                                        sizeof(struct moon_test_seal), NULL};

static const struct key changed_keys[] = {
    AT(moon_test_changed, subject, TEXT),
    AT(moon_test_changed, from, TEXT),
    AT(moon_test_changed, append, TEXT),
    AT(moon_test_changed, headers, TEXTS),
};
static const struct shape changed_shape = {"changed", changed_keys, COUNT(changed_keys),
                                           sizeof(struct moon_test_changed), NULL};

static const struct key message_keys[] = {
    AT(moon_test_message, file, TEXT),
    AT(moon_test_message, from, TEXT_OR_NONE),
    AT(moon_test_message, to, TEXT_OR_NONE),
    AT(moon_test_message, subject, TEXT_OR_NONE),
    AT(moon_test_message, date, TEXT_OR_NONE),
    AS(moon_test_message, "message_id", id, TEXT_OR_NONE),
    AT(moon_test_message, body, TEXT),
    AT(moon_test_message, headers, TEXTS),
    OF(moon_test_message, changed, RECORD, &changed_shape),
    OF(moon_test_message, sign, RECORDS, &sign_shape),
    OF(moon_test_message, seal, RECORDS, &seal_shape),
};
static const struct shape message_shape = {"message", message_keys, COUNT(message_keys),
                                           sizeof(struct moon_test_message), NULL};

static const struct key expect_keys[] = {
    AT(moon_test_expect, verdict, TEXT),     AT(moon_test_expect, action, TEXT),
    AT(moon_test_expect, esc, TEXT_OR_NONE), AT(moon_test_expect, override, TEXT_OR_NONE),
    AT(moon_test_expect, layer, TEXT),       AT(moon_test_expect, text, TEXT),
    AT(moon_test_expect, reason, TEXT),      AT(moon_test_expect, comment, TEXT),
    AT(moon_test_expect, rule, LINE),        AT(moon_test_expect, failure, TEXT),
    AT(moon_test_expect, tag, TEXT_OR_NONE), AT(moon_test_expect, headers, TEXTS_OR_NONE),
    AT(moon_test_expect, spf, TEXT),         AT(moon_test_expect, dkim, TEXT),
    AT(moon_test_expect, dmarc, TEXT),       AT(moon_test_expect, arc, TEXT),
};
static const struct shape expect_shape = {"expect", expect_keys, COUNT(expect_keys),
                                          sizeof(struct moon_test_expect), NULL};

static const struct key test_keys[] = {
    AT(moon_test, name, TEXT),
    AT(moon_test, zone, TEXT_OR_FILE),
    AT(moon_test, ip, TEXT),
    AT(moon_test, helo, TEXT),
    AT(moon_test, hostname, TEXT),
    AT(moon_test, mail_from, TEXT),
    AT(moon_test, tls, TEXT_OR_TRUE),
    AT(moon_test, authenticated, TEXT_OR_TRUE),
    AS(moon_test, "interface", interface_ip, TEXT),
    AT(moon_test, tenant, TEXT),
    AT(moon_test, rcpt, TEXTS),
    AS(moon_test, "now", now_s, TIME),
    AT(moon_test, earlier, TEXTS),
    AS(moon_test, "store", no_store, UNLESS),
    OF(moon_test, message, MESSAGE, &message_shape),
    OF(moon_test, expect, RECORD, &expect_shape),
};
static const struct shape test_shape = {"the test", test_keys, COUNT(test_keys),
                                        sizeof(struct moon_test), NULL};

/* --- lines and mistakes --------------------------------------------------------------------------
 */

/* Keeps the first mistake of the test; always false. */
__attribute__((format(printf, 3, 4))) static bool wrong(struct reading *r, const char *key,
                                                        const char *format, ...)
{
    char text[300];
    va_list args;
    if (r->test->mistake)
        return false;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cut: a message for people */
    va_end(args);
    moon_sandbox_charge(r->L, r->tests->source.n / 8); /* the source is read once more */
    r->test->mistake =
        moon_arena_printf(r->tests->arena, "%s:%d: %s", r->tests->path,
                          moon_test_key_line(r->tests->source, key, r->test->line), text);
    return false;
}

static bool wrong_key(struct reading *r, const struct shape *shape)
{
    struct moon_nearest nearest = {0};
    if (lua_type(r->L, -2) != LUA_TSTRING)
        return wrong(r, "", "%s has named keys only, like %s = ...", shape->name,
                     shape->keys[0].name);
    const char *name = lua_tostring(r->L, -2);
    for (size_t i = 0; i < shape->key_count; i++)
        moon_nearest_offer(&nearest, moon_span_of(name), shape->keys[i].name);
    return wrong(r, name, "%s has no key '%.60s'%s%s%s", shape->name, name,
                 nearest.best ? "; did you mean '" : "; docs/policy-api.md lists them",
                 nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
}

/* --- values: each reads the one at the top of the stack [-0, +0] --------------------------------
 */

static bool take_text(struct reading *r, const char *name, const char **text_r)
{
    struct moon_span text;
    if (lua_type(r->L, -1) != LUA_TSTRING)
        return wrong(r, name, "%s must be a text, not a %s%s", name, luaL_typename(r->L, -1),
                     strcmp(name, "mail_from") ? "" : "; \"\" is the null sender");
    text.p = lua_tolstring(r->L, -1, &text.n);
    moon_sandbox_charge(r->L, text.n / 64 + 1);
    if (strlen(text.p) != text.n)
        return wrong(r, name, "%s has a byte 0 in it", name);
    *text_r = moon_arena_dup(r->tests->arena, text);
    return *text_r || wrong(r, name, "the tests of this policy need too much memory");
}

static bool take_zone(struct reading *r, const char *name, const char **text_r)
{
    size_t size = 0;
    const char *text = lua_type(r->L, -1) == LUA_TSTRING ? lua_tolstring(r->L, -1, &size) : NULL;
    if (text && text == r->zone && size == r->zone_size) {
        *text_r = r->zone_copy;
        return true;
    }
    if (!take_text(r, name, text_r))
        return false;
    r->zone = text; /* Lua's text lives as long as the table of tests */
    r->zone_size = size;
    r->zone_copy = *text_r;
    return true;
}

static bool take_texts(struct reading *r, const char *name, struct moon_test_texts *texts)
{
    bool one = lua_type(r->L, -1) == LUA_TSTRING;
    size_t count = one ? 1 : lua_istable(r->L, -1) ? lua_rawlen(r->L, -1) : 0;
    if (!one && !lua_istable(r->L, -1))
        return wrong(r, name, "%s must be a list of texts, not a %s", name,
                     luaL_typename(r->L, -1));
    if (count > MOON_TEST_ITEMS_MAX)
        return wrong(r, name, "%s has more than %u items", name, MOON_TEST_ITEMS_MAX);
    texts->text = moon_arena_array(r->tests->arena, count, sizeof *texts->text);
    if (!texts->text)
        return wrong(r, name, "the tests of this policy need too much memory");
    for (size_t i = 0; i < count; i++) {
        if (one)
            lua_pushvalue(r->L, -1);
        else
            lua_rawgeti(r->L, -1, (lua_Integer)i + 1);
        bool taken = take_text(r, name, &texts->text[i]);
        lua_pop(r->L, 1);
        if (!taken)
            return false;
    }
    texts->count = count;
    return true;
}

static bool take_number(struct reading *r, const char *name, bool is_time, int64_t *number_r)
{
    struct moon_span text;
    int whole = 0;
    if (is_time && lua_type(r->L, -1) == LUA_TSTRING) {
        text.p = lua_tolstring(r->L, -1, &text.n);
        return moon_test_time(text, number_r) ||
               wrong(r, name, "%s must be like \"2026-01-31\" or \"2026-01-31T12:00:00Z\"", name);
    }
    if (lua_type(r->L, -1) == LUA_TNUMBER)
        *number_r = lua_tointegerx(r->L, -1, &whole);
    if (!whole || *number_r < 0)
        return wrong(r, name, "%s must be %s", name,
                     is_time ? "a time: \"2026-01-31\", or seconds since 1970" : "a whole number");
    return true;
}

static bool take_bool(struct reading *r, const char *name, bool *value_r)
{
    if (!lua_isboolean(r->L, -1))
        return wrong(r, name, "%s must be true or false", name);
    *value_r = lua_toboolean(r->L, -1);
    return true;
}

static bool take_record(struct reading *r, const char *name, const struct shape *shape,
                        void *record);

/* A list of tables; one table with named keys may stand for a list of one. The count stands behind
 * the pointer. */
static bool take_records(struct reading *r, const struct key *key, void *slot)
{
    struct {
        void *items;
        size_t count;
    } list = {NULL, 0};
    bool is_table = lua_istable(r->L, -1);
    size_t count = is_table ? lua_rawlen(r->L, -1) : 0;
    bool one = is_table && count == 0;
    if (!is_table)
        return wrong(r, key->name, "%s must be a list like { { domain = \"a.example\" } }",
                     key->name);
    if (count > MOON_TEST_ITEMS_MAX)
        return wrong(r, key->name, "%s has more than %u items", key->name, MOON_TEST_ITEMS_MAX);
    list.count = one ? 1 : count;
    list.items = moon_arena_array(r->tests->arena, list.count, key->shape->size);
    if (!list.items)
        return wrong(r, key->name, "the tests of this policy need too much memory");
    for (size_t i = 0; i < list.count; i++) {
        if (one)
            lua_pushvalue(r->L, -1);
        else
            lua_rawgeti(r->L, -1, (lua_Integer)i + 1);
        bool taken =
            take_record(r, key->name, key->shape, (char *)list.items + i * key->shape->size);
        lua_pop(r->L, 1);
        if (!taken)
            return false;
    }
    memcpy(slot, &list, sizeof list);
    return true;
}

static bool take_message(struct reading *r, const struct key *key, void *slot)
{
    struct moon_test_message *message = slot;
    if (lua_type(r->L, -1) == LUA_TSTRING)
        return take_text(r, key->name, &message->file);
    if (!lua_istable(r->L, -1))
        return wrong(r, key->name, "message must be a table, or the name of a file");
    return take_record(r, key->name, key->shape, slot);
}

static bool take_value(struct reading *r, const struct key *key, void *slot)
{
    struct moon_test_texts *texts = slot;
    const char **text = slot;
    switch (key->kind) {
    case TEXT_OR_NONE:
    case TEXT_OR_TRUE:
        if (lua_isboolean(r->L, -1) && lua_toboolean(r->L, -1) == (key->kind == TEXT_OR_TRUE)) {
            *text = key->kind == TEXT_OR_TRUE ? "yes" : "";
            return true;
        }
        return take_text(r, key->name, text);
    case LINE:
        if (lua_isinteger(r->L, -1)) {
            *text = moon_arena_printf(r->tests->arena, ":%lld", (long long)lua_tointeger(r->L, -1));
            return *text || wrong(r, key->name, "the tests of this policy need too much memory");
        }
        return take_text(r, key->name, text);
    case TEXT:
        return take_text(r, key->name, text);
    case TEXT_OR_FILE:
        return take_zone(r, key->name, text);
    case TEXTS_OR_NONE:
        texts->none = (lua_isboolean(r->L, -1) && !lua_toboolean(r->L, -1)) ||
                      (lua_istable(r->L, -1) && lua_rawlen(r->L, -1) == 0);
        return texts->none || take_texts(r, key->name, slot);
    case TEXTS:
        return take_texts(r, key->name, slot);
    case BOOL:
        return take_bool(r, key->name, slot);
    case UNLESS:
        if (!take_bool(r, key->name, slot))
            return false;
        *(bool *)slot = !*(bool *)slot;
        return true;
    case NUMBER:
    case TIME:
        return take_number(r, key->name, key->kind == TIME, slot);
    case RECORD:
        return take_record(r, key->name, key->shape, slot);
    case RECORDS:
        return take_records(r, key, slot);
    case MESSAGE:
        return take_message(r, key, slot);
    }
    return false;
}

/* The table at the top into *record, which is zeroed. */
static bool take_record(struct reading *r, const char *name, const struct shape *shape,
                        void *record)
{
    bool taken = true;
    if (shape->begin)
        shape->begin(record);
    if (!lua_istable(r->L, -1))
        return wrong(r, name, "%s must be a table with named keys, not a %s", name,
                     luaL_typename(r->L, -1));
    luaL_checkstack(r->L, 8, NULL);
    for (lua_pushnil(r->L); lua_next(r->L, -2); lua_pop(r->L, 1)) {
        const struct key *key = NULL;
        moon_sandbox_charge(r->L, 10);
        for (size_t i = 0; i < shape->key_count && lua_type(r->L, -2) == LUA_TSTRING; i++)
            if (!strcmp(lua_tostring(r->L, -2), shape->keys[i].name))
                key = &shape->keys[i];
        taken = key ? take_value(r, key, (char *)record + key->offset) : wrong_key(r, shape);
        if (!taken) {
            lua_pop(r->L, 2);
            return false;
        }
    }
    return true;
}

/* --- tests ---------------------------------------------------------------------------------------
 */

/* The test expects no verdict. */
static void wrong_expect(struct reading *r)
{
    char names[200] = "";
    size_t n = 0;
    for (size_t i = 0; i < expect_shape.key_count && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "",
                              expect_shape.keys[i].name);
    (void)wrong(r, "expect",
                "a test says what it expects: verdict, action or failure must be there, like "
                "expect = { verdict = \"reject\" }; all of its keys: %s",
                names);
}

/* One item of the list, at the top. [-0, +0] */
static void take_test(struct reading *r, struct moon_test *test, size_t place)
{
    r->test = test;
    test->now_s = MOON_TEST_NOW_S;
    test->line = r->line;
    if (lua_istable(r->L, -1)) {
        lua_pushliteral(r->L, "name"); /* first: mistakes are told with its line */
        if (lua_rawget(r->L, -2) == LUA_TSTRING) {
            test->line = moon_test_names_line(&r->names, lua_tostring(r->L, -1), r->line);
            (void)take_text(r, "name", &test->name); /* a mistake is kept */
        }
        lua_pop(r->L, 1);
    }
    moon_sandbox_charge(r->L, r->names.count);
    bool taken = take_record(r, "a test", &test_shape, test);
    if (!test->name || !*test->name)
        test->name = moon_arena_printf(r->tests->arena, "test %zu", place);
    if (taken && !test->expect.verdict && !test->expect.action && !test->expect.failure)
        wrong_expect(r);
    if (!test->name)
        test->name = "";
}

/* The tests of the policy table at index 1 (raw) into decide->tests. [-0, +0], may raise */
void moon_tests_take(lua_State *L, struct moon_tests *tests)
{
    struct reading r = {.L = L, .tests = tests};
    const int line = r.line = moon_test_list_line(tests->source);
    lua_pushliteral(L, "tests");
    int type = lua_rawget(L, 1);
    if (type == LUA_TFUNCTION) {
        lua_call(L, 0, 1);
        type = lua_type(L, -1);
    }
    if (type == LUA_TNIL)
        return;
    if (type != LUA_TTABLE)
        (void)luaL_error(L, "%s:%d: tests must be a list of tables, or a function that gives one",
                         tests->path, line);
    size_t count = lua_rawlen(L, -1);
    if (count > MOON_TESTS_MAX)
        (void)luaL_error(L, "%s:%d: %d tests are more than the %d that one policy may bring",
                         tests->path, line, (int)(count < 1000000 ? count : 1000000),
                         (int)MOON_TESTS_MAX);
    lua_pushnil(L);
    if (count == 0 && lua_next(L, -2))
        (void)luaL_error(L, "%s:%d: tests must be a list: tests = { { name = ... }, ... }",
                         tests->path, line);
    lua_settop(L, 2);
    tests->test = moon_arena_array(tests->arena, count, sizeof *tests->test);
    if (!tests->test || !moon_test_names_read(tests->arena, tests->source, &r.names))
        (void)luaL_error(L, "%s:%d: the tests of this policy need too much memory", tests->path,
                         line);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        take_test(&r, &tests->test[i], i + 1);
        lua_settop(L, 2);
        tests->count++;
    }
}
