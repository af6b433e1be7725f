/* SPDX-License-Identifier: MIT
 *
 * verdicts: the five constructors of require "moonscan". A constructor checks names and types at
 * once, so that a mistake is reported at its own line. What may come from the message (texts,
 * comments, values of added fields) is never refused but made harmless. Copying into the arena
 * happens once, for the verdict that is returned.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "lua/facts.h"

#define TAG_BYTES_MAX 60u /* of a Subject prefix; more hides the subject itself */

struct verdict {
    enum moon_verdict_kind kind;
    char where[128];
};

static const char *const fields[] = {"esc", "text",    "override", "comment",
                                     "via", "headers", "tag",      "reason"};
#define FIELD_COUNT (sizeof fields / sizeof fields[0])

/* RFC 9990, the policy override types of a report. */
static const char *const overrides[] = {"local_policy", "mailing_list", "other", "policy_test_mode",
                                        "trusted_forwarder"};
#define OVERRIDE_COUNT (sizeof overrides / sizeof overrides[0])

static const char *name_of(enum moon_verdict_kind kind)
{
    static const char *const names[] = {"none",   "accept", "quarantine",
                                        "reject", "defer",  "discard"};
    return names[kind];
}

/* --- checks at construction: the table of fields is at stack index 1 ---------------------------
 */

static void check_keys(lua_State *L, const char *what)
{
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        moon_sandbox_charge(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            (void)moon_sandbox_raise(L, "%s wants named fields, like { esc = \"5.7.1\" }", what);
        const char *key = lua_tostring(L, -1);
        bool known = false;
        for (size_t i = 0; i < FIELD_COUNT; i++)
            known = known || !strcmp(key, fields[i]);
        if (!known)
            (void)moon_facts_unknown(L, what, key, fields, FIELD_COUNT);
    }
}

static char class_of(enum moon_verdict_kind kind)
{
    return kind == MOON_VERDICT_REJECT ? '5' : kind == MOON_VERDICT_DEFER ? '4' : '2';
}

/* RFC 3463 section 2: class "." subject "." detail, one to three digits each. */
static bool is_esc(struct moon_span esc)
{
    struct moon_buf buf = moon_buf_of(esc);
    (void)moon_buf_byte(&buf); /* the class is checked by the caller */
    for (int i = 0; i < 2; i++) {
        if (!moon_buf_skip(&buf, '.'))
            return false;
        struct moon_span digits = moon_buf_while(&buf, moon_is_digit);
        if (digits.n < 1 || digits.n > 3)
            return false;
    }
    return moon_buf_at_end(&buf);
}

static void check_esc(lua_State *L, const char *what, enum moon_verdict_kind kind)
{
    struct moon_span esc;
    if (lua_getfield(L, 1, "esc") == LUA_TSTRING) {
        esc.p = lua_tolstring(L, -1, &esc.n);
        if (!is_esc(esc))
            (void)moon_sandbox_raise(L, "%s: esc '%.20s' is no enhanced status code like %c.7.1",
                                     what, esc.p, class_of(kind));
        if (esc.p[0] != class_of(kind))
            (void)moon_sandbox_raise(L, "%s: esc must start with %c: '%.20s' is of another class",
                                     what, class_of(kind), esc.p);
    } else if (!lua_isnil(L, -1)) {
        (void)moon_sandbox_raise(L, "%s: esc must be a text like \"%c.7.1\"", what, class_of(kind));
    }
    lua_pop(L, 1);
}

static void check_override(lua_State *L, const char *what)
{
    if (lua_getfield(L, 1, "override") != LUA_TNIL) {
        const char *word = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
        bool known = false;
        for (size_t i = 0; i < OVERRIDE_COUNT; i++)
            known = known || !strcmp(word, overrides[i]);
        if (!known)
            (void)moon_sandbox_raise(L,
                                     "%s: override '%.40s' is none of RFC 9990: local_policy, "
                                     "mailing_list, other, policy_test_mode, trusted_forwarder",
                                     what, word);
    }
    lua_pop(L, 1);
}

/* The entry that the override goes by. */
static void check_via(lua_State *L, const char *what)
{
    int type = lua_getfield(L, 1, "via");
    if (type != LUA_TNIL && !moon_lists_entry(L, -1))
        (void)moon_sandbox_raise(L, "%s: via must be the entry that list:match(m) gave, not a %s",
                                 what, lua_typename(L, type));
    if (type != LUA_TNIL && lua_getfield(L, 1, "override") == LUA_TNIL)
        (void)moon_sandbox_raise(L,
                                 "%s: via wants an override beside it, like override = "
                                 "\"trusted_forwarder\"",
                                 what);
    lua_settop(L, 1);
}

static void check_text(lua_State *L, const char *what, const char *field)
{
    int type = lua_getfield(L, 1, field);
    if (type != LUA_TNIL && type != LUA_TSTRING)
        (void)moon_sandbox_raise(L, "%s: %s must be a text, not a %s", what, field,
                                 lua_typename(L, type));
    lua_pop(L, 1);
}

/* The name before the colon: RFC 5322 section 2.2. */
static bool is_header(struct moon_span field)
{
    size_t colon = moon_span_find(field, ':');
    if (colon == (size_t)-1 || colon == 0 || colon > 100)
        return false;
    for (size_t i = 0; i < colon; i++)
        if (field.p[i] <= ' ' || field.p[i] > '~')
            return false;
    return true;
}

static void check_headers(lua_State *L, const char *what)
{
    int type = lua_getfield(L, 1, "headers");
    if (type != LUA_TNIL && type != LUA_TTABLE)
        (void)moon_sandbox_raise(L, "%s: headers must be a list like { \"X-Name: value\" }", what);
    size_t count = type == LUA_TTABLE ? lua_rawlen(L, -1) : 0;
    if (type == LUA_TTABLE && count == 0) {
        lua_pushnil(L);
        if (lua_next(L, -2))
            (void)moon_sandbox_raise(L, "%s: headers must be a list like { \"X-Name: value\" }",
                                     what);
    }
    if (count > MOON_ADDED_MAX)
        (void)moon_sandbox_raise(L, "%s: more than %u headers", what, MOON_ADDED_MAX);
    for (size_t i = 1; i <= count; i++) {
        struct moon_span field = {"", 0};
        if (lua_rawgeti(L, -1, (lua_Integer)i) == LUA_TSTRING)
            field.p = lua_tolstring(L, -1, &field.n);
        if (!is_header(field))
            (void)moon_sandbox_raise(L, "%s: header %zu is not like \"X-Name: value\"", what, i);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* moon.KIND { fields }; upvalue 1 is the kind [-1, +1], may raise */
static int construct(lua_State *L)
{
    enum moon_verdict_kind kind = (enum moon_verdict_kind)lua_tointeger(L, lua_upvalueindex(1));
    char what[32];
    (void)snprintf(what, sizeof what, "moon.%s", name_of(kind));
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    lua_settop(L, 1);
    if (!lua_istable(L, 1))
        return moon_sandbox_raise(L, "%s wants a table, like %s { reason = \"...\" }", what, what);
    if (luaL_getmetafield(L, 1, "__index") != LUA_TNIL)
        return moon_sandbox_raise(L, "%s wants a plain table", what);
    check_keys(L, what);
    check_esc(L, what, kind);
    check_override(L, what);
    check_via(L, what);
    check_headers(L, what);
    check_text(L, what, "text");
    check_text(L, what, "comment");
    check_text(L, what, "tag");
    check_text(L, what, "reason");
    struct verdict *verdict = lua_newuserdatauv(L, sizeof *verdict, 1);
    verdict->kind = kind;
    moon_sandbox_where(L, verdict->where, sizeof verdict->where);
    lua_pushvalue(L, 1);
    (void)lua_setiuservalue(L, -2, 1); /* one value was asked for */
    if (luaL_newmetatable(L, MOON_VERDICT_METATABLE)) {
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
    return 1;
}

void moon_verdicts_construct(lua_State *L, enum moon_verdict_kind kind)
{
    lua_pushinteger(L, kind);
    lua_pushcclosure(L, construct, 1);
    lua_insert(L, -2);
    lua_call(L, 1, 1);
}

void moon_verdicts_push_constructors(lua_State *L)
{
    for (int kind = MOON_VERDICT_ACCEPT; kind <= MOON_VERDICT_DISCARD; kind++) {
        lua_pushinteger(L, kind);
        lua_pushcclosure(L, construct, 1);
        lua_setfield(L, -2, name_of((enum moon_verdict_kind)kind));
    }
}

/* --- into the arena ----------------------------------------------------------------------------
 */

/* One line of printable ASCII, at most n bytes; `utf8` keeps bytes above 0x7f. */
static const char *one_line(struct moon_decide *decide, struct moon_span text, size_t n, bool utf8)
{
    text = moon_span_trim(text);
    if (text.n > n) { /* a cut must not tear a UTF-8 character */
        while (utf8 && n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
            n--;
        text.n = n;
    }
    char *copy = moon_arena_dup(decide->arena, text);
    if (!copy) {
        decide->no_memory = true;
        return NULL;
    }
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)copy[i];
        if (c < 0x20 || c == 0x7f)
            copy[i] = ' ';
        else if (c > 0x7f && !utf8)
            copy[i] = '?';
    }
    return copy;
}

/* A text field of the verdict at the top of the stack: its fields table; {NULL, 0} when absent. */
static struct moon_span field_of(lua_State *L, const char *name)
{
    struct moon_span text = {NULL, 0};
    (void)lua_getfield(L, -1, name);
    if (lua_type(L, -1) == LUA_TSTRING)
        text.p = lua_tolstring(L, -1, &text.n);
    lua_pop(L, 1); /* the table keeps it alive */
    return text;
}

static const char *line_field(lua_State *L, const char *name, size_t n, bool utf8)
{
    struct moon_span text = field_of(L, name);
    const char *line = text.p ? one_line(moon_sandbox_context(L), text, n, utf8) : NULL;
    return line && *line ? line : NULL;
}

/* The reply: up to MOON_REPLY_LINES_MAX lines, ASCII (RFC 5321 section 4.2). */
static const char *reply_text(lua_State *L)
{
    struct moon_decide *decide = moon_sandbox_context(L);
    struct moon_buf text = moon_buf_of(field_of(L, "text"));
    struct moon_str str;
    moon_str_begin(&str, decide->arena);
    for (unsigned i = 0; i < MOON_REPLY_LINES_MAX && !moon_buf_at_end(&text);) {
        struct moon_span raw = moon_span_trim(moon_buf_until(&text, '\n'));
        (void)moon_buf_skip(&text, '\n'); /* the last line has none */
        if (raw.n == 0)
            continue; /* left out before they cost memory: there may be millions */
        const char *line = one_line(decide, raw, MOON_REPLY_LINE_MAX, false);
        if (!line)
            break;
        if (i++)
            moon_str_add_char(&str, '\n');
        moon_str_add(&str, line);
    }
    const char *reply = moon_str_end(&str);
    if (!reply)
        decide->no_memory = true;
    return reply && *reply ? reply : NULL;
}

static void take_headers(lua_State *L, struct moon_verdict *verdict)
{
    struct moon_decide *decide = moon_sandbox_context(L);
    size_t count = lua_getfield(L, -1, "headers") == LUA_TTABLE ? lua_rawlen(L, -1) : 0;
    count = count > MOON_ADDED_MAX ? MOON_ADDED_MAX : count;
    const char **headers = moon_arena_array(decide->arena, count, sizeof *headers);
    for (size_t i = 0; headers && i < count; i++) {
        struct moon_span field = {"", 0};
        if (lua_rawgeti(L, -1, (lua_Integer)i + 1) == LUA_TSTRING)
            field.p = lua_tolstring(L, -1, &field.n);
        headers[i] = is_header(field) ? one_line(decide, field, MOON_FIELD_LINE_MAX, true) : NULL;
        lua_pop(L, 1);
        if (!headers[i])
            count = i; /* the table was changed behind the check, or no memory */
    }
    if (!headers)
        decide->no_memory = true;
    verdict->headers = headers;
    verdict->header_count = headers ? count : 0;
    lua_pop(L, 1);
}

const char *moon_verdicts_override(struct moon_span word)
{
    for (size_t i = 0; i < OVERRIDE_COUNT; i++)
        if (moon_span_is(word, overrides[i]))
            return overrides[i];
    return NULL;
}

/* "name: note" of an entry, as comment to its override. */
static const char *comment_of(struct moon_decide *decide, const struct moon_list_entry *entry)
{
    char text[MOON_REPLY_LINE_MAX + 1];
    (void)snprintf(text, sizeof text, "%s%s%s", entry->name, entry->note ? ": " : "",
                   entry->note ? entry->note : ""); /* cut */
    const char *line = one_line(decide, moon_span_of(text), MOON_REPLY_LINE_MAX, true);
    return line && *line ? line : NULL;
}

/* The override of the verdict whose fields are at the top, its comment, and the entry it goes by:
 * the one that the verdict names, else the last that matched. */
static void take_override(lua_State *L, struct moon_verdict *verdict)
{
    struct moon_decide *decide = moon_sandbox_context(L);
    (void)lua_getfield(L, -1, "via");
    const struct moon_list_entry *entry = moon_lists_entry(L, -1);
    lua_pop(L, 1);
    verdict->override = moon_verdicts_override(field_of(L, "override"));
    verdict->comment = line_field(L, "comment", MOON_REPLY_LINE_MAX, true);
    if (!verdict->override)
        return;
    if (!entry && decide->matched_in == decide->name)
        entry = decide->matched;
    if (!entry)
        return;
    verdict->via = moon_list_entry_ref(decide, entry);
    if (!verdict->comment)
        verdict->comment = comment_of(decide, entry);
}

void moon_verdicts_take(lua_State *L, int index)
{
    struct moon_decide *decide = moon_sandbox_context(L);
    struct moon_verdict *verdict = decide->verdict;
    if (lua_isnoneornil(L, index))
        return;
    const struct verdict *value = luaL_testudata(L, index, MOON_VERDICT_METATABLE);
    if (!value) {
        (void)lua_pushfstring(L,
                              "%s:%d: the function that starts here returned a %s; return "
                              "moon.accept { } or another verdict, or nothing",
                              decide->name, decide->line, luaL_typename(L, index));
        (void)lua_error(L); /* never returns */
        return;
    }
    (void)lua_getiuservalue(L, index, 1); /* set by construct */
    struct moon_span esc = field_of(L, "esc");
    if (esc.n && is_esc(esc) && esc.p[0] == class_of(value->kind))
        verdict->esc = one_line(decide, esc, 16, false);
    verdict->text = reply_text(L);
    take_override(L, verdict);
    verdict->tag = line_field(L, "tag", TAG_BYTES_MAX, true);
    verdict->reason = line_field(L, "reason", MOON_REPLY_LINE_MAX, true);
    take_headers(L, verdict);
    verdict->rule = moon_arena_cstr(decide->arena, value->where[0] ? value->where : decide->name);
    if (!verdict->rule)
        decide->no_memory = true;
    verdict->kind = value->kind;
    verdict->layer = decide->layer;
    lua_pop(L, 1);
}
