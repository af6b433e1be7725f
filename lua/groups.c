/* SPDX-License-Identifier: MIT
 *
 * groups: a group that is wrong is met only by the mail of its recipients, perhaps months later; so
 * the whole table is looked at whenever somebody is there to hear of it.
 */
#include "lua/groups.h"

#include <stdio.h>

#include "lua/tokens.h"

#define KEY_SHOWN_MAX 100u
#define CURE          "function(m) return moon.accept { } end"

int moon_groups_line(struct moon_span source, struct moon_span key)
{
    struct moon_tokens tokens = moon_tokens_of(source);
    struct moon_token token, before = {0, {NULL, 0}, 0}, earlier = before;
    int first = 0;
    while ((token = moon_tokens_next(&tokens)).kind) {
        const struct moon_token *named = before.kind == ']' ? &earlier : &before;
        bool names = named->kind == (before.kind == ']' ? MOON_TOKEN_TEXT : MOON_TOKEN_NAME) &&
                     (token.kind == '=' || token.kind == '(');
        if (first && names && moon_span_eq(named->text, key))
            return named->line;
        if (!first && token.kind == MOON_TOKEN_NAME && moon_span_is(token.text, "recipients"))
            first = token.line;
        earlier = before;
        before = token;
    }
    return first;
}

/* What is wrong with a key, or NULL. Addresses are asked in lower case. */
static const char *wrong_key(struct moon_span key)
{
    size_t at = key.n;
    for (size_t i = 0; i < key.n; i++) {
        unsigned char c = (unsigned char)key.p[i];
        if (c <= 0x20 || c == 0x7f || c == '<' || c == '>' || c == ',')
            return "nobody has that address; a key is one local part or one whole address";
        if (moon_lower(key.p[i]) != key.p[i])
            return "it is never asked: write it in lower case";
        if (c == '@')
            at = i;
    }
    if (key.n == 0 || at == 0)
        return "the local part is missing; a key is a local part or a whole address";
    if (at + 1 == key.n)
        return "the domain is missing; a key is a local part without @ or a whole address";
    if (moon_span_find(moon_span_sub(key, at, key.n), '*') != (size_t)-1 || key.p[0] == '*')
        return "a group has no wildcards; what is for all recipients belongs into policy.message";
    return NULL;
}

/* Raises of the entry whose key is shown. */
static void refuse(lua_State *L, const struct moon_decide *decide, struct moon_span key,
                   const char *shown, const char *what)
{
    int line = decide->group_line(decide, key);
    (void)luaL_error(L, "%s:%d: recipients%s%s", decide->name, line, shown, what);
}

/* ".postmaster" or "[\"x@acme.example\"]". */
static void show(struct moon_span key, char out[KEY_SHOWN_MAX])
{
    int n = (int)(key.n < KEY_SHOWN_MAX - 8 ? key.n : KEY_SHOWN_MAX - 8);
    bool name = key.n && !moon_is_digit(key.p[0]);
    for (size_t i = 0; name && i < key.n; i++)
        name = moon_is_alnum(key.p[i]) || key.p[i] == '_';
    (void)snprintf(out, KEY_SHOWN_MAX, name ? ".%.*s" : "[\"%.*s\"]", n, key.p);
}

/* One entry: its key at -2, its value at the top. */
static void check_entry(lua_State *L, const struct moon_decide *decide)
{
    char shown[KEY_SHOWN_MAX], what[300];
    struct moon_span key = {"", 0};
    if (lua_type(L, -2) != LUA_TSTRING) {
        refuse(L, decide, key, "",
               " wants names: { postmaster = policy.message, [\"x@acme.example\"] = ... }");
        return;
    }
    key.p = lua_tolstring(L, -2, &key.n);
    show(key, shown);
    moon_sandbox_charge(L, key.n / 4);
    const char *wrong = wrong_key(key);
    if (wrong) {
        (void)snprintf(what, sizeof what, ": %s", wrong);
        refuse(L, decide, key, shown, what);
    }
    if (lua_isfunction(L, -1) && !lua_iscfunction(L, -1))
        return;
    (void)snprintf(what, sizeof what, " is a %s, not a function of this file; write: %s%s = %s",
                   luaL_testudata(L, -1, MOON_VERDICT_METATABLE) ? "verdict"
                   : lua_isfunction(L, -1)                       ? "function of moonscan"
                                                                 : luaL_typename(L, -1),
                   shown[0] == '.' ? "" : shown, shown[0] == '.' ? shown + 1 : "", CURE);
    refuse(L, decide, key, shown, what);
}

void moon_groups_check(lua_State *L, const struct moon_decide *decide)
{
    lua_pushliteral(L, "recipients");
    int type = lua_rawget(L, 1);
    if (type != LUA_TNIL && type != LUA_TTABLE)
        refuse(L, decide, MOON_SPAN(""), "", " must be a table of functions");
    for (lua_pushnil(L); type == LUA_TTABLE && lua_next(L, 2); lua_pop(L, 1)) {
        moon_sandbox_charge(L, 5);
        check_entry(L, decide);
    }
    lua_settop(L, 1);
}
