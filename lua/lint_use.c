/* SPDX-License-Identifier: MIT
 *
 * lint_use: what is done with a name beyond its fields: comparisons that are always or never true,
 * iteration, variables that are not there.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/nearest.h"
#include "lua/lint_walk.h"
#include "lua/sandbox.h"

static const struct moon_api_type unknown = {.kind = MOON_API_UNKNOWN};

static char kind(const struct moon_walk *w, size_t i)
{
    return moon_walk_token(w, i)->kind;
}

static struct moon_span text(const struct moon_walk *w, size_t i)
{
    return moon_walk_token(w, i)->text;
}

static bool is_text(const struct moon_api_type *type)
{
    return type->kind == MOON_API_TEXT || type->kind == MOON_API_WORDS;
}

/* --- comparisons ------------------------------------------------------------------------------ */

/* An operator that binds tighter than == on this side. */
static bool binds_tighter(char c)
{
    return c && strchr("COS+-*/%^<>~&|", c);
}

static bool compares(char c)
{
    return c == MOON_TOKEN_EQUAL || c == MOON_TOKEN_UNEQUAL;
}

/* Of a record that is compared with a word: the field that was meant, or NULL. */
static const char *meant_field(const struct moon_api_class *class, struct moon_span word)
{
    static const char *const fields[] = {"address", "result", "domain", "name", "id", "provider"};
    bool address = moon_span_find(word, '@') != (size_t)-1;
    for (size_t i = address ? 0 : 1; i < sizeof fields / sizeof fields[0]; i++)
        if (moon_api_field_of(class, moon_span_of(fields[i])))
            return fields[i];
    return NULL;
}

/* The chain is compared with the literal at token i, and can never equal it. */
static void compare(struct moon_walk *w, const struct moon_chain *c,
                    const struct moon_api_type *type, const char *what, size_t i)
{
    char more[300] = "", k = moon_chain_literal(w, i);
    struct moon_span word = text(w, i);
    const char *never = k == 's' ? "a text" : k == 'd' ? "a number" : "true or false";
    if (type->kind == MOON_API_WORDS && k == 's') {
        if (moon_chain_wrong_word(w, type->words, word, more))
            moon_walk_tell(w, i, "%s is never \"%.40s\"; %s", what, moon_chain_keep(w, word), more);
        return;
    }
    if (type->kind == MOON_API_TEXT && k == 's')
        moon_cure_upper_case(w, c, what, i);
    if (type->kind == MOON_API_UNKNOWN || (is_text(type) && k == 's') ||
        (type->kind == MOON_API_NUMBER && k == 'd') || (type->kind == MOON_API_BOOLEAN && k == 'b'))
        return;
    const char *meant =
        type->kind == MOON_API_CLASS && k == 's' ? meant_field(type->class, word) : NULL;
    if (meant)
        (void)snprintf(more, sizeof more, "; did you mean %s.%s == \"%.40s\"?", what, meant,
                       moon_chain_keep(w, word));
    else if (type->kind == MOON_API_NUMBER && k == 's')
        (void)snprintf(more, sizeof more, "; leave out the quotes");
    else if (is_text(type) && k == 'd')
        (void)snprintf(more, sizeof more, "; put it in quotes");
    else if (k == 'b')
        (void)snprintf(more, sizeof more, "; leave the comparison out");
    else if (type->kind == MOON_API_FUNCTION)
        (void)snprintf(more, sizeof more, "; call it: %s%s", what,
                       moon_api_is_method(&c->type) ? "(...)" : "(\"name\")");
    moon_walk_tell(w, i, "%s is %s and never equals %s%s", what, moon_chain_described(type), never,
                   more);
}

/* x == "a" or "b" then: what stands behind "or" is always true. */
static void check_or(struct moon_walk *w, const char *what, size_t i)
{
    size_t at = i + 1;
    while (moon_walk_is(w, at, "or") && kind(w, at + 1) == MOON_TOKEN_TEXT)
        at += 2;
    if (at > i + 1 && moon_walk_is(w, at, "then"))
        moon_walk_tell(w, i, "or \"%.40s\" is always true; write: or %s == \"%.40s\"",
                       moon_chain_keep(w, text(w, i + 2)), what,
                       moon_chain_keep(w, text(w, i + 2)));
}

/* What the chain is compared with, on either side. */
static void check_comparison(struct moon_walk *w, const struct moon_chain *c)
{
    size_t start = c->start, other = 0;
    struct moon_api_type type = c->type;
    char what[MOON_CHAIN_SHOWN_MAX];
    (void)moon_chain_shown(w, c->start, c->end, what);
    if (kind(w, start - 1) == '#') {
        if (type.kind == MOON_API_NUMBER || type.kind == MOON_API_BOOLEAN ||
            type.kind == MOON_API_FUNCTION ||
            (type.kind == MOON_API_CLASS && moon_api_item(&w->lint->api, &type).kind == 0 &&
             !moon_api_field_of(type.class, MOON_SPAN("[integer]")))) {
            moon_walk_tell(w, start, "%s is %s: it has no length", what,
                           moon_chain_described(&type));
            return;
        }
        type = (struct moon_api_type){.kind = MOON_API_NUMBER};
        start--;
        (void)moon_chain_shown(w, start, c->end, what);
    }
    bool negated = moon_walk_is(w, start - 1, "not");
    if (compares(kind(w, c->end)) && moon_chain_literal(w, c->end + 1) &&
        !compares(kind(w, start - 1)) && !binds_tighter(kind(w, start - 1)) &&
        !binds_tighter(kind(w, c->end + 2))) {
        other = c->end + 1;
        if (negated && moon_chain_literal(w, other) != 'b') {
            moon_walk_tell(w, other, "not is taken before the comparison; write: %s %s ...", what,
                           kind(w, c->end) == MOON_TOKEN_EQUAL ? "~=" : "==");
            return;
        }
        compare(w, c, &type, what, other);
        if (kind(w, c->end) == MOON_TOKEN_EQUAL && kind(w, other) == MOON_TOKEN_TEXT && !negated)
            check_or(w, what, other);
    } else if (compares(kind(w, start - 1)) && moon_chain_literal(w, start - 2) &&
               !binds_tighter(kind(w, start - 3)) && kind(w, start - 3) != '#' &&
               !moon_walk_is(w, start - 3, "not") && !binds_tighter(kind(w, c->end))) {
        compare(w, c, &type, what, start - 2);
    }
}

/* for r in m.recipients: Lua wants a function there. ipairs(m.dmarc), pairs(m): neither goes
 * through a record's fields. */
static void check_iteration(struct moon_walk *w, const struct moon_chain *c)
{
    bool in_order = moon_walk_is(w, c->start - 2, "ipairs");
    char what[MOON_CHAIN_SHOWN_MAX];
    if (moon_walk_is(w, c->start - 1, "in") && moon_walk_is(w, c->end, "do") &&
        c->type.kind != MOON_API_UNKNOWN && c->type.kind != MOON_API_FUNCTION) {
        (void)moon_chain_shown(w, c->start, c->end, what);
        if (moon_api_item(&w->lint->api, &c->type).kind || c->type.kind == MOON_API_LIST)
            moon_walk_tell(w, c->start, "%s is a list; write: for i, one in ipairs(%s) do", what,
                           what);
        else if (c->type.kind == MOON_API_TABLE)
            moon_walk_tell(w, c->start, "%s is a table; write: for key, value in pairs(%s) do",
                           what, what);
        else
            moon_walk_tell(w, c->start, "%s is %s: there is nothing to go through", what,
                           moon_chain_described(&c->type));
        return;
    }
    if (kind(w, c->start - 1) != '(' || kind(w, c->end) != ')' ||
        (!in_order && !moon_walk_is(w, c->start - 2, "pairs")) ||
        moon_walk_variable(w, c->start - 2) || kind(w, c->start - 3) == '.' ||
        c->type.kind == MOON_API_UNKNOWN || c->type.kind == MOON_API_LIST ||
        c->type.kind == MOON_API_TABLE)
        return;
    bool items = c->type.kind == MOON_API_CLASS &&
                 moon_api_field_of(c->type.class, MOON_SPAN("[integer]")) != NULL;
    if (items && in_order)
        return;
    (void)moon_chain_shown(w, c->start, c->end, what);
    if (items)
        moon_walk_tell(w, c->start, "pairs wants a table; write ipairs(%s)", what);
    else
        moon_walk_tell(w, c->start, "%s wants a list; %s is %s", in_order ? "ipairs" : "pairs",
                       what, moon_chain_described(&c->type));
}

/* --- uses ------------------------------------------------------------------------------------- */

static void check_global(struct moon_walk *w, size_t i)
{
    struct moon_nearest nearest = {0};
    struct moon_span name = text(w, i);
    const char *instead = moon_library_absent(name);
    for (size_t k = 0; k < w->lint->global_count; k++)
        if (moon_span_is(name, w->lint->globals[k]))
            return;
    if (w->lenient || moon_walk_is_assigned(w, name))
        return;
    if (instead) {
        moon_walk_tell(w, i, "'%.*s' is not available in policies: %s", (int)name.n, name.p,
                       instead);
        return;
    }
    for (size_t k = 0; name.n > 2 && k < w->lint->global_count; k++)
        moon_nearest_offer(&nearest, name, w->lint->globals[k]);
    for (size_t k = 0; name.n > 2 && k < w->variable_count; k++)
        moon_nearest_offer(&nearest, name, moon_chain_keep(w, w->variables[k].name));
    moon_walk_tell(w, i, "there is no variable '%.*s'%s%s%s", (int)(name.n < 60 ? name.n : 60),
                   name.p, nearest.best ? "; did you mean '" : "", nearest.best ? nearest.best : "",
                   nearest.best ? "'?" : "");
}

/* A local function: what is it called with? */
static void note_call(struct moon_walk *w, size_t i, size_t helper_number)
{
    struct moon_lint_helper *helper = &w->helpers[helper_number - 1];
    if (kind(w, i + 1) != '(') {
        helper->escaped = helper->escaped || w->given != i;
        return;
    }
    size_t close = moon_walk_match(w, i + 1), end;
    for (size_t at = i + 2, n = 0; at < close && n < MOON_LINT_ARGUMENTS_MAX; at = end + 1, n++) {
        struct moon_api_type type = moon_walk_expression(w, at, &end);
        if (helper->seen[n] &&
            (type.kind != helper->types[n].kind || type.class != helper->types[n].class))
            type = unknown;
        helper->seen[n] = true;
        helper->types[n] = type;
        if (kind(w, end) != ',')
            break;
    }
}

void moon_walk_use(struct moon_walk *w, size_t i)
{
    const struct moon_lint_variable *variable = moon_walk_variable(w, i);
    struct moon_chain chain = {.start = i, .tell = w->report};
    if (!variable && w->report)
        check_global(w, i);
    if (variable && variable->helper)
        note_call(w, i, variable->helper);
    if (!w->report)
        return;
    moon_chain_follow(w, &chain);
    moon_cure_unknown_number(w, &chain);
    if (chain.holder && kind(w, chain.end) == '=' && chain.before != '(' &&
        !moon_span_is(chain.holder->name, "moonscan") &&
        !moon_span_is(chain.holder->name, "moonscan.ArcMethodResult"))
        moon_walk_tell(w, i, "facts are read-only (a comparison is written ==)");
    if (chain.type.kind == MOON_API_UNKNOWN)
        return;
    moon_walk_forgotten(w, &chain);
    check_comparison(w, &chain);
    check_iteration(w, &chain);
}
