/* SPDX-License-Identifier: MIT
 *
 * lint_chain: what is done with a name: fields, calls, comparisons. A chain is a name with what
 * hangs on it: m.dkim[1].result, forwarders:match(m). Its type is followed as far as the list of
 * the API tells it; anything else is unknown, and nothing is told of what is unknown.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/nearest.h"
#include "lua/lint_walk.h"
#include "lua/sandbox.h"

#define VERDICTS "accept, quarantine, reject, defer, discard"

static const struct moon_api_type unknown = {.kind = MOON_API_UNKNOWN};

static char kind(const struct moon_walk *w, size_t i)
{
    return moon_walk_token(w, i)->kind;
}

static struct moon_span text(const struct moon_walk *w, size_t i)
{
    return moon_walk_token(w, i)->text;
}

const char *moon_chain_shown(const struct moon_walk *w, size_t from, size_t to,
                             char out[MOON_CHAIN_SHOWN_MAX])
{
    struct moon_span first = text(w, from), last = text(w, to - 1);
    size_t n = (size_t)(last.p - first.p) + last.n;
    if (kind(w, to - 1) == MOON_TOKEN_TEXT)
        n++; /* the quote */
    (void)snprintf(out, MOON_CHAIN_SHOWN_MAX, "%.*s%s",
                   (int)(n < MOON_CHAIN_SHOWN_MAX - 4 ? n : MOON_CHAIN_SHOWN_MAX - 4), first.p,
                   n < MOON_CHAIN_SHOWN_MAX - 4 ? "" : "...");
    return out;
}

const char *moon_chain_described(const struct moon_api_type *type)
{
    static const char *const words[] = {"something",  "a text",   "a number", "true or false",
                                        "a text",     "a record", "a list",   "a table",
                                        "a function", "a list"};
    bool items = type->kind == MOON_API_CLASS &&
                 moon_api_field_of(type->class, MOON_SPAN("[integer]")) != NULL;
    return words[items ? 9 : type->kind];
}

static bool is_text(const struct moon_api_type *type)
{
    return type->kind == MOON_API_TEXT || type->kind == MOON_API_WORDS;
}

/* --- names that are not there ----------------------------------------------------------------- */

const char *moon_chain_keep(struct moon_walk *w, struct moon_span span)
{
    const char *copy = moon_arena_dup(w->arena, span);
    if (!copy)
        w->no_memory = true;
    return copy ? copy : "";
}

static void offer_fields(struct moon_walk *w, const struct moon_api_class *class,
                         struct moon_span name, struct moon_nearest *nearest)
{
    for (size_t i = 0; i < class->count; i++)
        if (class->fields[i].name.p[0] != '[')
            moon_nearest_offer(nearest, name, moon_chain_keep(w, class->fields[i].name));
}

/* "it has: result, reason, ..." */
static const char *all_fields(const struct moon_api_class *class, char out[200])
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < class->count && used < 190; i++) {
        const struct moon_span name = class->fields[i].name;
        int n = name.p[0] == '[' ? 0
                                 : snprintf(out + used, 200 - used, "%s%.*s", used ? ", " : "",
                                            (int)name.n, name.p);
        used += n > 0 ? (size_t)n : 0;
    }
    return out;
}

/* The field at token i is not in the class. */
static void tell_no_field(struct moon_walk *w, size_t i, const char *what,
                          const struct moon_api_class *class)
{
    struct moon_nearest nearest = {0};
    struct moon_span name = text(w, i);
    char all[200];
    if (!w->report)
        return;
    offer_fields(w, class, name, &nearest);
    bool moon = moon_span_is(class->name, "moonscan");
    const char *meant = moon ? moon_walk_verdict_meant(name) : NULL;
    if (meant)
        moon_walk_tell(w, i, "%s has no field '%.*s'; write: %s.%s", what, (int)name.n, name.p,
                       what, meant);
    else if (moon && !nearest.best && kind(w, i + 1) == '{')
        moon_walk_tell(w, i, "%s has no field '%.*s'; the verdicts are " VERDICTS, what,
                       (int)name.n, name.p);
    else if (nearest.best)
        moon_walk_tell(w, i, "%s has no field '%.*s'; did you mean '%s'?", what, (int)name.n,
                       name.p, nearest.best);
    else
        moon_walk_tell(w, i, "%s has no field '%.*s'; it has: %s%s", what, (int)name.n, name.p,
                       all_fields(class, all),
                       moon_span_is(class->name, "moonscan.Message")
                           ? "; a field of the header is m.header(\"name\")"
                           : "");
}

/* A text has the functions of string, and nothing else. */
static void check_text_function(struct moon_walk *w, const struct moon_chain *c, size_t i)
{
    struct moon_nearest nearest = {0};
    struct moon_span name = text(w, i);
    char what[MOON_CHAIN_SHOWN_MAX];
    for (size_t k = 0; k < w->lint->text_function_count; k++)
        if (moon_span_is(name, w->lint->text_functions[k]))
            return;
    for (size_t k = 0; k < w->lint->text_function_count; k++)
        moon_nearest_offer(&nearest, name, w->lint->text_functions[k]);
    moon_walk_tell(w, i, "%s is a text and has no function '%.*s'%s%s%s",
                   moon_chain_shown(w, c->start, i - 1, what), (int)name.n, name.p,
                   nearest.best ? "; did you mean '" : "", nearest.best ? nearest.best : "",
                   nearest.best ? "'?" : "");
}

void moon_walk_policy_field(struct moon_walk *w, size_t i)
{
    const struct moon_api_type type = moon_api_type_of(&w->lint->api, MOON_SPAN("moonscan.Policy"));
    struct moon_nearest nearest = {0};
    if (type.kind != MOON_API_CLASS || !w->report || moon_api_field_of(type.class, text(w, i)))
        return;
    offer_fields(w, type.class, text(w, i), &nearest);
    /* A policy may keep what it likes in its table; only what is nearly right is no wish. */
    if (nearest.best && nearest.distance <= 2)
        moon_walk_tell(w, i, "the policy's '%.*s' is never asked for; did you mean '%s'?",
                       (int)text(w, i).n, text(w, i).p, nearest.best);
}

/* --- literals --------------------------------------------------------------------------------- */

char moon_chain_literal(const struct moon_walk *w, size_t i)
{
    char c = kind(w, i);
    if (c == MOON_TOKEN_TEXT || c == MOON_TOKEN_NUMBER)
        return c;
    return moon_walk_is(w, i, "true") || moon_walk_is(w, i, "false") ? 'b' : '\0';
}

static bool is_plain(struct moon_span literal_text)
{
    return moon_span_find(literal_text, '\\') == (size_t)-1;
}

bool moon_chain_wrong_word(struct moon_walk *w, struct moon_span words, struct moon_span word,
                           char out[300])
{
    struct moon_span left = words, one;
    struct moon_nearest nearest = {0};
    size_t used = 0;
    if (!is_plain(word))
        return false;
    while (moon_api_next_word(&left, &one)) {
        if (moon_span_eq(one, word))
            return false;
        if (one.n)
            moon_nearest_offer(&nearest, word, moon_chain_keep(w, one));
    }
    if (nearest.best) {
        (void)snprintf(out, 300, "did you mean \"%s\"?", nearest.best);
        return true;
    }
    (void)snprintf(out, 300, "it is one of: ");
    while (moon_api_next_word(&words, &one) && (used = strlen(out)) < 280)
        (void)snprintf(out + used, 300 - used, "%s\"%.*s\"", out[used - 2] == ':' ? "" : ", ",
                       (int)one.n, one.p);
    return true;
}

/* Lua takes "5" for 5. */
static bool is_number(struct moon_span literal_text)
{
    return literal_text.n && moon_is_digit(literal_text.p[0]);
}

/* A literal at token i where the API wants `type`; `what` names the place. */
static void check_value(struct moon_walk *w, size_t i, const char *what,
                        const struct moon_api_type *type, const char *cure)
{
    char more[300], c = moon_chain_literal(w, i);
    bool wants_text = is_text(type);
    if (c == 's' && type->kind == MOON_API_WORDS &&
        moon_chain_wrong_word(w, type->words, text(w, i), more))
        moon_walk_tell(w, i, "%s is never \"%.40s\"; %s", what, moon_chain_keep(w, text(w, i)),
                       more);
    else if (c && ((wants_text && c == 'b') ||
                   (type->kind == MOON_API_NUMBER && c != 'd' && !is_number(text(w, i))) ||
                   (type->kind == MOON_API_BOOLEAN && c != 'b') || type->kind == MOON_API_LIST ||
                   type->kind == MOON_API_CLASS || type->kind == MOON_API_TABLE))
        moon_walk_tell(w, i, "%s must be %s, not %s%s", what, moon_chain_described(type),
                       c == 's'   ? "a text"
                       : c == 'd' ? "a number"
                                  : "true or false",
                       cure);
}

/* --- expressions ------------------------------------------------------------------------------ */

/* How a token stands in an expression. */
enum role { ROLE_OPERAND, ROLE_OPERATOR, ROLE_SUFFIX, ROLE_STOP };

static enum role role_of(const struct moon_walk *w, size_t i, bool after_operand)
{
    char c = kind(w, i);
    if (c == MOON_TOKEN_NAME) {
        if (moon_walk_is(w, i, "and") || moon_walk_is(w, i, "or") || moon_walk_is(w, i, "not"))
            return ROLE_OPERATOR;
        if (after_operand)
            return ROLE_STOP;
        return moon_walk_is_name(w, i) || moon_chain_literal(w, i) || moon_walk_is(w, i, "nil") ||
                       moon_walk_is(w, i, "function")
                   ? ROLE_OPERAND
                   : ROLE_STOP;
    }
    if (c == MOON_TOKEN_TEXT || c == '(' || c == '{')
        return after_operand ? ROLE_SUFFIX : ROLE_OPERAND;
    if (c == MOON_TOKEN_NUMBER || c == MOON_TOKEN_DOTS)
        return after_operand ? ROLE_STOP : ROLE_OPERAND;
    if (c == '[')
        return after_operand ? ROLE_SUFFIX : ROLE_STOP;
    if (c == '.' || c == ':')
        return ROLE_SUFFIX;
    return c && strchr("EUCOS+-*/%^#<>~&|", c) ? ROLE_OPERATOR : ROLE_STOP;
}

struct moon_api_type moon_walk_expression(struct moon_walk *w, size_t i, size_t *end_r)
{
    size_t operand = i;
    bool after_operand = false, any_or = false;
    enum role role;
    while ((role = role_of(w, i, after_operand)) != ROLE_STOP) {
        after_operand = role != ROLE_OPERATOR;
        if (moon_walk_is(w, i, "and"))
            operand = i + 1;
        any_or = any_or || moon_walk_is(w, i, "or");
        if (role == ROLE_SUFFIX && (kind(w, i) == '.' || kind(w, i) == ':'))
            i += 2;
        else if (kind(w, i) == '(' || kind(w, i) == '{' || kind(w, i) == '[' ||
                 moon_walk_is(w, i, "function"))
            i = moon_walk_match(w, i) + 1;
        else
            i++;
    }
    *end_r = i;
    if (any_or)
        return unknown;
    char c = moon_chain_literal(w, operand);
    if (c && i == operand + 1)
        return (struct moon_api_type){.kind = c == 's'   ? MOON_API_TEXT
                                              : c == 'd' ? MOON_API_NUMBER
                                                         : MOON_API_BOOLEAN};
    if (!moon_walk_is_name(w, operand))
        return unknown;
    struct moon_chain chain = {.start = operand, .tell = false};
    moon_chain_follow(w, &chain);
    return chain.end == i ? chain.type : unknown;
}

/* --- calls ------------------------------------------------------------------------------------ */

static struct moon_span key_of(const struct moon_walk *w, size_t i, size_t *value_r)
{
    if (kind(w, i) == MOON_TOKEN_NAME && kind(w, i + 1) == '=') {
        *value_r = i + 2;
        return text(w, i);
    }
    if (kind(w, i) == '[' && kind(w, i + 1) == MOON_TOKEN_TEXT && kind(w, i + 2) == ']') {
        *value_r = i + 4;
        return text(w, i + 1);
    }
    *value_r = kind(w, i) == '[' ? moon_walk_match(w, i) + 2 : i;
    return (struct moon_span){NULL, 0};
}

/* RFC 3463 section 2: the class of the verdict that is called by its own name. */
static char class_of(const char *what)
{
    static const char *const names[][2] = {{".accept", "2"},
                                           {".quarantine", "2"},
                                           {".discard", "2"},
                                           {".defer", "4"},
                                           {".reject", "5"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t n = strlen(what), end = strlen(names[i][0]);
        if (n > end && !strcmp(what + n - end, names[i][0]))
            return names[i][1][0];
    }
    return '\0';
}

static void check_esc(struct moon_walk *w, size_t i, const char *what)
{
    char class = class_of(what);
    struct moon_span esc = text(w, i);
    if (class && kind(w, i) == MOON_TOKEN_TEXT && is_plain(esc) && esc.n && esc.p[0] != class)
        moon_walk_tell(w, i, "%s: esc must start with %c: '%.20s' is of another class", what, class,
                       moon_chain_keep(w, esc));
}

/* A table at token `open` whose fields are those of a class. */
static void check_table(struct moon_walk *w, size_t open, const char *what,
                        const struct moon_api_class *class)
{
    size_t close = moon_walk_match(w, open), value, end;
    char place[MOON_CHAIN_SHOWN_MAX + 80], cure[MOON_CURE_MAX];
    for (size_t i = open + 1; i < close && w->told < MOON_LINT_TOLD_MAX;) {
        struct moon_span key = key_of(w, i, &value);
        const struct moon_api_field *field = moon_api_field_of(class, key);
        (void)moon_walk_expression(w, value, &end);
        if (key.p && !field) {
            tell_no_field(w, kind(w, i) == '[' ? i + 1 : i, what, class);
        } else if (field && end == value + 1) {
            struct moon_api_type type = moon_api_type_of(&w->lint->api, field->type);
            (void)snprintf(place, sizeof place, "%s: %.*s", what, (int)key.n, key.p);
            check_value(w, value, place, &type, moon_cure_field(w, key, &type, value, cure));
            if (moon_span_is(key, "esc") && moon_span_is(class->name, "moonscan.VerdictFields"))
                check_esc(w, value, what);
        } else if (!key.p && value == i && class->count) {
            moon_walk_tell(w, i, "%s wants named fields, like { %.*s = ... }", what,
                           (int)class->fields[0].name.n, class->fields[0].name.p);
        }
        i = end > i ? end : i + 1;
        if (kind(w, i) == ',' || kind(w, i) == ';')
            i++;
    }
}

/* An argument that shall be of `type`, from token i to before `end`. */
static void check_argument(struct moon_walk *w, struct moon_api_type type,
                           const struct moon_api_type *given, size_t i, size_t end,
                           const char *what)
{
    char place[MOON_CHAIN_SHOWN_MAX + 20], cure[MOON_CURE_MAX];
    if (kind(w, i) == '{' && type.kind == MOON_API_CLASS && moon_walk_match(w, i) + 1 == end) {
        check_table(w, i, what, type.class);
    } else if (moon_chain_literal(w, i) && end == i + 1) {
        (void)snprintf(place, sizeof place, "%s: what it is given", what);
        check_value(w, i, place, &type, moon_cure_argument(w, what, &type, i, cure));
    } else if (is_text(&type)) {
        moon_cure_record(w, what, i, end, given);
    }
}

/* The call whose arguments start at token i: ( { or a text. */
static void check_call(struct moon_walk *w, const struct moon_chain *c, size_t i)
{
    char what[MOON_CHAIN_SHOWN_MAX], name[MOON_CHAIN_SHOWN_MAX];
    bool method = moon_api_is_method(&c->type);
    (void)moon_chain_shown(w, c->start, i, what);
    if (c->type.kind != MOON_API_FUNCTION) {
        moon_walk_tell(w, i, "%s is %s and cannot be called", what, moon_chain_described(&c->type));
        return;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)text(w, i - 1).n, text(w, i - 1).p);
    if (method && c->before == '.')
        moon_walk_tell(w, i, "call %s with a colon: %.*s:%s(...)", name,
                       (int)(strlen(what) > strlen(name) ? strlen(what) - strlen(name) - 1 : 0),
                       what, name);
    else if (!method && c->before == ':' && c->holder &&
             !moon_span_is(c->holder->name, "moonscan.Message"))
        moon_walk_tell(w, i, "call %s with a dot, not with a colon", what);
    size_t close = moon_walk_match(w, i), end;
    if (kind(w, i) != '(') {
        check_argument(w, moon_api_argument(&w->lint->api, &c->type, 0), &unknown, i,
                       kind(w, i) == '{' ? close + 1 : i + 1, what);
        return;
    }
    for (size_t at = i + 1, n = 0; at < close; at = end + 1, n++) {
        struct moon_api_type given = moon_walk_expression(w, at, &end);
        check_argument(w, moon_api_argument(&w->lint->api, &c->type, n), &given, at, end, what);
        if (n == 0 && end == close && method)
            moon_cure_vouches(w, what, i, close);
        if (kind(w, end) != ',')
            break;
    }
}

/* --- chains ----------------------------------------------------------------------------------- */

/* The field at token i of what the chain came to. */
static void step_field(struct moon_walk *w, struct moon_chain *c, size_t i)
{
    char what[MOON_CHAIN_SHOWN_MAX];
    struct moon_api_type type = unknown;
    c->holder = NULL;
    if (c->type.kind == MOON_API_CLASS) {
        const struct moon_api_field *field = moon_api_field_of(c->type.class, text(w, i));
        c->holder = c->type.class;
        if (field)
            type = moon_api_type_of(&w->lint->api, field->type);
        else if (c->tell)
            tell_no_field(w, i, moon_chain_shown(w, c->start, i - 1, what), c->type.class);
    } else if (c->type.kind == MOON_API_TABLE && c->before != ':') {
        type = moon_api_type_of(&w->lint->api, c->type.inner);
    } else if (c->tell && is_text(&c->type)) {
        check_text_function(w, c, i);
    } else if (c->tell && (c->type.kind == MOON_API_NUMBER || c->type.kind == MOON_API_BOOLEAN)) {
        moon_walk_tell(w, i, "%s is %s and has no field '%.*s'",
                       moon_chain_shown(w, c->start, i - 1, what), moon_chain_described(&c->type),
                       (int)text(w, i).n, text(w, i).p);
    } else if (c->tell && c->type.kind == MOON_API_FUNCTION) {
        moon_walk_tell(w, i, "%s is a function: write %s(\"%.*s\")",
                       moon_chain_shown(w, c->start, i - 1, what), what, (int)text(w, i).n,
                       text(w, i).p);
    }
    c->type = type;
}

/* require "moonscan": the one function of the sandbox whose result is known. */
static struct moon_api_type base_type(const struct moon_walk *w, struct moon_chain *c)
{
    const struct moon_lint_variable *variable = moon_walk_variable(w, c->start);
    size_t name = c->start + (kind(w, c->start + 1) == '(' ? 2 : 1);
    c->end = c->start + 1;
    if (variable)
        return variable->type;
    if (!moon_walk_is(w, c->start, "require") || kind(w, name) != MOON_TOKEN_TEXT ||
        !moon_span_is(text(w, name), "moonscan") || moon_walk_is_assigned(w, MOON_SPAN("require")))
        return unknown;
    c->end = name + (kind(w, c->start + 1) == '(' ? 2 : 1);
    return moon_api_type_of(&w->lint->api, MOON_SPAN("moonscan"));
}

void moon_chain_follow(struct moon_walk *w, struct moon_chain *c)
{
    c->type = base_type(w, c);
    for (;;) {
        char k = kind(w, c->end);
        if ((k == '.' || k == ':') && kind(w, c->end + 1) == MOON_TOKEN_NAME) {
            c->before = k;
            step_field(w, c, c->end + 1);
            c->end += 2;
        } else if (k == '[') {
            size_t close = moon_walk_match(w, c->end);
            c->before = '[';
            if ((c->type.kind == MOON_API_CLASS || c->type.kind == MOON_API_FUNCTION) &&
                kind(w, c->end + 1) == MOON_TOKEN_TEXT && close == c->end + 2)
                step_field(w, c, c->end + 1);
            else
                c->type = moon_api_item(&w->lint->api, &c->type);
            c->end = close + 1;
        } else if (k == '(' || k == '{' || k == MOON_TOKEN_TEXT) {
            if (c->tell && c->type.kind)
                check_call(w, c, c->end);
            c->type = moon_api_result(&w->lint->api, &c->type);
            c->before = '(';
            c->end = k == MOON_TOKEN_TEXT ? c->end + 1 : moon_walk_match(w, c->end) + 1;
        } else {
            return;
        }
    }
}
