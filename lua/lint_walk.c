/* SPDX-License-Identifier: MIT
 *
 * lint_walk: blocks and names of a source. A stack of frames, no recursion: what a stranger nests
 * costs him, not us. Scopes are Lua's; where the tokens alone leave one open ("until"), a name
 * stays known for longer, with nothing known about it.
 */
#include <string.h>

#include "lua/lint_walk.h"

static const char *const keywords[] = {"and",   "break", "do",       "else", "elseif", "end",
                                       "false", "for",   "function", "goto", "if",     "in",
                                       "local", "nil",   "not",      "or",   "repeat", "return",
                                       "then",  "true",  "until",    "while"};

const struct moon_token *moon_walk_token(const struct moon_walk *w, size_t i)
{
    static const struct moon_token end = {MOON_TOKEN_END, {NULL, 0}, 1};
    return i < w->count ? &w->tokens[i] : &end;
}

static char kind(const struct moon_walk *w, size_t i)
{
    return moon_walk_token(w, i)->kind;
}

bool moon_walk_is(const struct moon_walk *w, size_t i, const char *word)
{
    return kind(w, i) == MOON_TOKEN_NAME && moon_span_is(moon_walk_token(w, i)->text, word);
}

bool moon_walk_is_name(const struct moon_walk *w, size_t i)
{
    if (kind(w, i) != MOON_TOKEN_NAME)
        return false;
    for (size_t k = 0; k < sizeof keywords / sizeof keywords[0]; k++)
        if (moon_span_is(moon_walk_token(w, i)->text, keywords[k]))
            return false;
    return true;
}

size_t moon_walk_match(const struct moon_walk *w, size_t i)
{
    return i < w->count && w->match[i] ? w->match[i] : w->count;
}

/* --- step 2 of lint: before any walk ---------------------------------------------------------- */

bool moon_walk_is_assigned(const struct moon_walk *w, struct moon_span name)
{
    for (size_t i = 0; i < w->assigned_count; i++)
        if (moon_span_eq(w->assigned[i], name))
            return true;
    return w->assigned_count == MOON_LINT_ASSIGNED_MAX;
}

static void add_assigned(struct moon_walk *w, size_t i)
{
    if (!moon_walk_is_assigned(w, moon_walk_token(w, i)->text))
        w->assigned[w->assigned_count++] = moon_walk_token(w, i)->text;
}

/* Behind the names of a local declaration whose first one is at i. */
static size_t skip_names(const struct moon_walk *w, size_t i)
{
    while (moon_walk_is_name(w, i)) {
        i++;
        if (kind(w, i) == '<')
            i += 3;
        if (kind(w, i) != ',')
            break;
        i++;
    }
    return i;
}

/* The name at i, outside of braces, may begin an assignment: a, b = ... */
static void note_assignment(struct moon_walk *w, size_t i)
{
    size_t last = i;
    while (last < i + 32 && kind(w, last + 1) == ',' && moon_walk_is_name(w, last + 2))
        last += 2;
    if (kind(w, last + 1) != '=')
        return;
    for (size_t k = i; k <= last; k += 2)
        add_assigned(w, k);
}

/* What opens at i, or 0: a bracket, or the kind of a frame. */
static char opener(const struct moon_walk *w, size_t i)
{
    char c = kind(w, i);
    if (c == '(' || c == '[' || c == '{')
        return c;
    return moon_walk_is(w, i, "function") ? 'f'
           : moon_walk_is(w, i, "if")     ? 'i'
           : moon_walk_is(w, i, "do")     ? 'd'
           : moon_walk_is(w, i, "repeat") ? 'r'
                                          : '\0';
}

/* Does the token at i close what `open` opened? */
static bool closes(const struct moon_walk *w, size_t i, char open)
{
    char c = kind(w, i);
    return open == '('   ? c == ')'
           : open == '[' ? c == ']'
           : open == '{' ? c == '}'
           : open == 'r' ? moon_walk_is(w, i, "until")
                         : moon_walk_is(w, i, "end");
}

static bool is_closer(const struct moon_walk *w, size_t i)
{
    char c = kind(w, i);
    return c == ')' || c == ']' || c == '}' || moon_walk_is(w, i, "until") ||
           moon_walk_is(w, i, "end");
}

/* Which token closes which; false when it is not the Lua that we know. */
static void match_up(struct moon_walk *w)
{
    size_t open[MOON_LINT_DEPTH_MAX], depth = 0, result = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (opener(w, i)) {
            if (depth == MOON_LINT_DEPTH_MAX) {
                w->confused = true;
                return;
            }
            open[depth++] = i;
        } else if (is_closer(w, i)) {
            if (depth == 0 || !closes(w, i, opener(w, open[depth - 1]))) {
                w->confused = true;
                return;
            }
            w->match[open[--depth]] = (uint32_t)i;
        } else if (moon_walk_is(w, i, "local") && !moon_walk_is(w, i + 1, "function")) {
            i = skip_names(w, i + 1) - 1;
        } else if (moon_walk_is(w, i, "return") && depth == 0) {
            result = i + 1;
        } else if (moon_walk_is_name(w, i) && kind(w, i - 1) != '.' && kind(w, i - 1) != ':' &&
                   !moon_walk_is(w, i - 1, "for") &&
                   (depth == 0 || kind(w, open[depth - 1]) != '{')) {
            note_assignment(w, i);
        }
        if (moon_walk_is(w, i, "function") && moon_walk_is_name(w, i + 1) &&
            kind(w, i + 2) == '(' && !moon_walk_is(w, i - 1, "local"))
            add_assigned(w, i + 1);
    }
    w->confused = depth > 0;
    if (kind(w, result) == '{')
        w->policy_table = result;
    else if (result && moon_walk_is_name(w, result) &&
             (kind(w, result + 1) == MOON_TOKEN_END || kind(w, result + 1) == ';'))
        w->policy = moon_walk_token(w, result)->text;
}

void moon_walk_prepare(struct moon_walk *w, struct moon_span source)
{
    struct moon_tokens all = moon_tokens_of(source);
    while (moon_tokens_next(&all).kind)
        w->count++;
    w->tokens = moon_arena_array(w->arena, w->count, sizeof *w->tokens);
    w->match = moon_arena_array(w->arena, w->count, sizeof *w->match);
    w->variables = moon_arena_array(w->arena, MOON_LINT_VARIABLES_MAX, sizeof *w->variables);
    w->assigned = moon_arena_array(w->arena, MOON_LINT_ASSIGNED_MAX, sizeof *w->assigned);
    if (!w->tokens || !w->match || !w->variables || !w->assigned) {
        w->no_memory = true;
        return;
    }
    all = moon_tokens_of(source);
    for (size_t i = 0; i < w->count; i++) {
        w->tokens[i] = moon_tokens_next(&all);
        w->lenient = w->lenient || moon_walk_is(w, i, "_ENV");
    }
    match_up(w);
}

/* --- scopes ----------------------------------------------------------------------------------- */

const struct moon_lint_variable *moon_walk_variable(const struct moon_walk *w, size_t i)
{
    struct moon_span name = moon_walk_token(w, i)->text;
    for (size_t k = w->variable_count; k > 0; k--) {
        const struct moon_lint_variable *variable = &w->variables[k - 1];
        if (variable->from <= i && moon_span_eq(variable->name, name))
            return variable;
    }
    return NULL;
}

static void declare(struct moon_walk *w, struct moon_span name, struct moon_api_type type,
                    size_t from, size_t helper)
{
    if (w->variable_count == MOON_LINT_VARIABLES_MAX) {
        w->confused = true;
        return;
    }
    if (type.kind && moon_walk_is_assigned(w, name))
        type = (struct moon_api_type){.kind = MOON_API_UNKNOWN};
    w->variables[w->variable_count++] = (struct moon_lint_variable){name, type, from, helper};
}

static struct moon_lint_frame *top(struct moon_walk *w)
{
    return w->depth ? &w->frames[w->depth - 1] : NULL;
}

static struct moon_lint_frame *push(struct moon_walk *w, char open, size_t token)
{
    static struct moon_lint_frame spare; /* never read */
    if (w->depth == MOON_LINT_DEPTH_MAX) {
        w->confused = true;
        return &spare;
    }
    struct moon_lint_frame *frame = &w->frames[w->depth++];
    *frame =
        (struct moon_lint_frame){.opener = open, .token = token, .variables = w->variable_count};
    return frame;
}

/* Ends the innermost frame. What a "repeat" declared can be seen in its condition, whose end the
 * tokens do not show: it stays, as anything. */
static void pop(struct moon_walk *w, bool keep)
{
    const struct moon_lint_frame *frame = top(w);
    if (!frame) {
        w->confused = true;
        return;
    }
    for (size_t i = frame->variables; keep && i < w->variable_count; i++)
        w->variables[i] = (struct moon_lint_variable){.name = w->variables[i].name};
    if (!keep)
        w->variable_count = frame->variables;
    w->depth--;
}

/* --- functions -------------------------------------------------------------------------------- */

/* A helper for the function at token `decl`: its index + 1, or 0 when there are too many. */
static size_t new_helper(struct moon_walk *w, size_t decl)
{
    if (w->helper_count == MOON_LINT_HELPERS_MAX)
        return 0;
    w->helpers[w->helper_count] = (struct moon_lint_helper){.decl = decl};
    return ++w->helper_count;
}

/* What the calls of the walk before agreed on. */
static struct moon_api_type helper_argument(const struct moon_walk *w, size_t decl, size_t n)
{
    for (size_t i = 0; n < MOON_LINT_ARGUMENTS_MAX && i < w->known_count; i++)
        if (w->known[i].decl == decl && !w->known[i].escaped)
            return w->known[i].types[n];
    return (struct moon_api_type){.kind = MOON_API_UNKNOWN};
}

static bool is_policy(const struct moon_walk *w, size_t i)
{
    return w->policy.n && kind(w, i) == MOON_TOKEN_NAME && kind(w, i - 1) != '.' &&
           kind(w, i - 1) != ':' && moon_span_eq(moon_walk_token(w, i)->text, w->policy);
}

/* Which field of the policy is given a value at "="? Its type; for a group that of any group. The
 * forms: P.name =, P.recipients.name =, P.recipients["name"] =, and the same in tables. */
static struct moon_api_type policy_field(struct moon_walk *w, size_t equal)
{
    const struct moon_api_type class =
        moon_api_type_of(&w->lint->api, MOON_SPAN("moonscan.Policy"));
    const struct moon_lint_frame *frame = top(w);
    bool text_key = kind(w, equal - 1) == ']' && kind(w, equal - 2) == MOON_TOKEN_TEXT;
    size_t key = equal - (text_key ? 3 : 1); /* the name, or the bracket in front of it */
    bool dotted = text_key || kind(w, key - 1) == '.';
    size_t before = text_key ? key - 1 : key - 2;
    struct moon_span name = {NULL, 0};
    bool group = false;

    if (frame && frame->opener == '{') {
        group = frame->recipients;
        if (frame->policy && !text_key)
            name = moon_walk_token(w, key)->text;
    } else if (dotted && !text_key && is_policy(w, before)) {
        name = moon_walk_token(w, key)->text;
    } else if (dotted && moon_walk_is(w, before, "recipients") && kind(w, before - 1) == '.') {
        group = is_policy(w, before - 2);
    }
    const struct moon_api_field *field =
        class.kind == MOON_API_CLASS
            ? moon_api_field_of(class.class, group ? MOON_SPAN("recipients") : name)
            : NULL;
    struct moon_api_type type =
        moon_api_type_of(&w->lint->api, field ? field->type : (struct moon_span){NULL, 0});
    return group ? moon_api_type_of(&w->lint->api, type.inner) : type;
}

/* The type of the function at token i when it is one of the policy's: "function P.message(" or a
 * value behind "=". */
static struct moon_api_type policy_function(struct moon_walk *w, size_t i)
{
    if (kind(w, i + 1) == '(')
        return kind(w, i - 1) == '=' ? policy_field(w, i - 1)
                                     : (struct moon_api_type){.kind = MOON_API_UNKNOWN};
    size_t behind = i + 2;
    while (kind(w, behind) == '.')
        behind += 2;
    /* As if the bracket were the "=" of P.message = function. */
    struct moon_lint_frame *frame = top(w);
    if (!is_policy(w, i + 1) || (frame && frame->opener == '{'))
        return (struct moon_api_type){.kind = MOON_API_UNKNOWN};
    if (behind == i + 4)
        moon_walk_policy_field(w, i + 3);
    return policy_field(w, behind);
}

/* The function at token i: declares its arguments; what comes behind them. */
static size_t function_head(struct moon_walk *w, size_t i)
{
    struct moon_api_type type = policy_function(w, i);
    size_t at = i + 1;
    while (moon_walk_is_name(w, at) || kind(w, at) == '.' || kind(w, at) == ':')
        at++;
    push(w, 'f', i)->token = i;
    moon_walk_method(w, i);
    if (kind(w, at - 2) == ':')
        declare(w, MOON_SPAN("self"), (struct moon_api_type){.kind = MOON_API_UNKNOWN}, at, 0);
    size_t end = moon_walk_match(w, at), n = 0;
    for (at++; at < end; at++) {
        if (!moon_walk_is_name(w, at))
            continue;
        struct moon_api_type argument =
            type.kind ? moon_api_argument(&w->lint->api, &type, n) : helper_argument(w, i, n);
        declare(w, moon_walk_token(w, at)->text, argument, at, 0);
        n++;
    }
    return end + 1;
}

/* --- statements ------------------------------------------------------------------------------- */

static size_t local_statement(struct moon_walk *w, size_t i)
{
    if (moon_walk_is(w, i + 1, "function")) {
        declare(w, moon_walk_token(w, i + 2)->text,
                (struct moon_api_type){.kind = MOON_API_UNKNOWN}, i, new_helper(w, i + 1));
        return function_head(w, i + 1);
    }
    size_t behind = skip_names(w, i + 1), value = behind, from = behind;
    size_t first = w->variable_count;
    bool more = kind(w, behind) == '=';
    for (size_t at = i + 1; at < behind; at++) {
        size_t name = at, begin = value + 1, helper = 0;
        struct moon_api_type type = {.kind = MOON_API_UNKNOWN};
        at += kind(w, at + 1) == '<' ? 4 : 1; /* at the comma, or behind the last name */
        if (more) {
            type = moon_walk_expression(w, begin, &value);
            from = value;
            more = kind(w, value) == ',';
            helper = moon_walk_is(w, begin, "function") ? new_helper(w, begin) : 0;
        }
        declare(w, moon_walk_token(w, name)->text, type, from, helper);
    }
    while (more) { /* values without a name */
        (void)moon_walk_expression(w, value + 1, &value);
        more = kind(w, value) == ',';
        from = value;
    }
    for (size_t k = first; k < w->variable_count; k++)
        w->variables[k].from = from;
    return behind;
}

static size_t for_head(struct moon_walk *w, size_t i)
{
    size_t at = skip_names(w, i + 1);
    struct moon_lint_frame *frame = push(w, 'h', i);
    frame->names = i + 1;
    if (moon_walk_is(w, at, "in") && kind(w, at + 2) == '(' && !moon_walk_variable(w, at + 1) &&
        moon_walk_is(w, moon_walk_match(w, at + 2) + 1, "do") &&
        (moon_walk_is(w, at + 1, "ipairs") || moon_walk_is(w, at + 1, "pairs")))
        frame->items = at + 3;
    return at;
}

/* The head of a for ends here: its names begin. */
static void for_body(struct moon_walk *w, size_t i)
{
    struct moon_lint_frame head = *top(w);
    struct moon_api_type item = {.kind = MOON_API_UNKNOWN};
    size_t end = 0, n = 0;
    if (head.items) {
        struct moon_api_type type = moon_walk_expression(w, head.items, &end);
        if (kind(w, end) == ')' && moon_walk_is(w, head.items - 2, "ipairs"))
            item = moon_api_item(&w->lint->api, &type);
        else if (kind(w, end) == ')' && type.kind == MOON_API_TABLE)
            item = moon_api_type_of(&w->lint->api, type.inner);
    }
    pop(w, false);
    (void)push(w, 'd', i); /* its names go with it */
    for (size_t at = head.names; moon_walk_is_name(w, at); at += 2)
        declare(w, moon_walk_token(w, at)->text,
                n++ == 1 ? item : (struct moon_api_type){.kind = MOON_API_UNKNOWN}, i, 0);
}

static void open_brace(struct moon_walk *w, size_t i)
{
    const struct moon_lint_frame outer = w->depth ? *top(w) : (struct moon_lint_frame){0};
    bool value = kind(w, i - 1) == '=', recipients = value && moon_walk_is(w, i - 2, "recipients");
    bool dotted = recipients && kind(w, i - 3) == '.' && is_policy(w, i - 4);
    size_t name = kind(w, i - 2) == '>' ? i - 5 : i - 2;
    struct moon_lint_frame *frame = push(w, '{', i);
    frame->recipients = recipients && (dotted || outer.policy);
    frame->policy =
        (w->policy_table && w->policy_table == i) ||
        (value && is_policy(w, name) && (!outer.opener || moon_walk_is(w, name - 1, "local")));
}

/* A keyword, or a name that is used: what comes behind it. */
static size_t word(struct moon_walk *w, size_t i)
{
    const struct moon_lint_frame *frame = top(w);
    if (kind(w, i - 1) == '.' || kind(w, i - 1) == ':')
        return i + 1;
    if (moon_walk_is(w, i, "function"))
        return function_head(w, i);
    if (moon_walk_is(w, i, "local"))
        return local_statement(w, i);
    if (moon_walk_is(w, i, "for"))
        return for_head(w, i);
    if (moon_walk_is(w, i, "goto"))
        return i + 2;
    if (moon_walk_is(w, i, "do") && frame && frame->opener == 'h') {
        for_body(w, i);
    } else if (opener(w, i)) {
        (void)push(w, opener(w, i), i); /* nothing more is known of it */
    } else if (moon_walk_is(w, i, "until")) {
        pop(w, true);
    } else if (moon_walk_is(w, i, "end")) {
        pop(w, false);
    } else if (moon_walk_is(w, i, "else") || moon_walk_is(w, i, "elseif")) {
        if (frame)
            w->variable_count = frame->variables;
    } else if (moon_walk_is_name(w, i)) {
        bool key =
            frame && frame->opener == '{' && kind(w, i + 1) == '=' && strchr("{,;", kind(w, i - 1));
        if (key && frame->policy)
            moon_walk_policy_field(w, i);
        if (!key)
            moon_walk_use(w, i);
    }
    return i + 1;
}

/* A local function that is given to the policy at "=" gets what the policy's would get. */
static void give(struct moon_walk *w, size_t i)
{
    const struct moon_lint_variable *variable =
        moon_walk_is_name(w, i + 1) ? moon_walk_variable(w, i + 1) : NULL;
    struct moon_api_type type = policy_field(w, i);
    if (kind(w, i - 2) == '.' && is_policy(w, i - 3))
        moon_walk_policy_field(w, i - 1);
    if (w->depth && top(w)->recipients)
        moon_walk_group(w, i);
    if (!variable || !variable->helper || type.kind != MOON_API_FUNCTION)
        return;
    struct moon_lint_helper *helper = &w->helpers[variable->helper - 1];
    struct moon_api_type argument = moon_api_argument(&w->lint->api, &type, 0);
    if (helper->seen[0] && helper->types[0].class != argument.class)
        argument.kind = MOON_API_UNKNOWN;
    helper->seen[0] = true;
    helper->types[0] = argument;
    w->given = i + 1;
}

void moon_walk_run(struct moon_walk *w)
{
    for (size_t i = 0;
         i < w->count && !w->confused && !w->no_memory && w->told < MOON_LINT_TOLD_MAX;) {
        char c = kind(w, i);
        size_t next = i + 1;
        if (c == MOON_TOKEN_NAME) {
            next = word(w, i);
        } else if (c == MOON_TOKEN_LABEL) {
            next = i + 3;
        } else if (c == '{') {
            open_brace(w, i);
        } else if (c == '(' || c == '[') {
            (void)push(w, c, i); /* nothing more is known of it */
        } else if (c == ')' || c == ']' || c == '}') {
            pop(w, false);
        } else if (c == '=') {
            give(w, i);
        }
        i = next > i ? next : i + 1;
    }
}
