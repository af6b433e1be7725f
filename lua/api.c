/* SPDX-License-Identifier: MIT
 *
 * api: reads the list line by line: @alias, @class, @field (tests/lint/api.py sees to it that there
 * is nothing else). A type ends at the first blank outside of brackets and quotes; the one behind a
 * colon, in front of a function's result, belongs to it.
 */
#include "lua/api.h"

#include <string.h>

#include "lua/embedded.h"

#define LINES_MAX 2000u /* of our own file */

struct moon_span moon_api_text(void)
{
    for (const struct moon_embedded *e = moon_embedded; e->name; e++)
        if (!strcmp(e->name, "lua/moonscan.d.lua"))
            return moon_span_of(e->text);
    return (struct moon_span){NULL, 0};
}

/* How far the type at the beginning reaches: to the first of `ends` outside of everything. */
static size_t type_end(struct moon_span text, const char *ends)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '"')
            quoted = !quoted;
        else if (quoted)
            continue;
        else if (depth == 0 && strchr(ends, c) && !(c == ' ' && i && text.p[i - 1] == ':'))
            return i;
        else if (strchr("(<[{", c))
            depth++;
        else if (strchr(")>]}", c) && depth)
            depth--;
    }
    return text.n;
}

static struct moon_span word(struct moon_buf *line)
{
    struct moon_span text = moon_buf_until(line, ' ');
    (void)moon_buf_skip(line, ' '); /* the last word has none behind it */
    return text;
}

static bool add_field(struct moon_arena *arena, struct moon_api *api, struct moon_buf *line)
{
    struct moon_api_class *class = api->class_count ? &api->classes[api->class_count - 1] : NULL;
    struct moon_span name = word(line), rest = {line->p, line->left};
    if (!class)
        return true;
    if (name.n && name.p[name.n - 1] == '?')
        name.n--;
    struct moon_api_field *larger =
        moon_arena_append(arena, class->fields, class->count, sizeof *class->fields);
    if (!larger)
        return false;
    class->fields = larger;
    class->fields[class->count++] =
        (struct moon_api_field){name, moon_span_sub(rest, 0, type_end(rest, " "))};
    return true;
}

static bool add_class(struct moon_arena *arena, struct moon_api *api, struct moon_buf *line)
{
    struct moon_api_class *larger =
        moon_arena_append(arena, api->classes, api->class_count, sizeof *api->classes);
    if (!larger)
        return false;
    api->classes = larger;
    api->classes[api->class_count++] = (struct moon_api_class){word(line), NULL, 0};
    return true;
}

static bool add_alias(struct moon_arena *arena, struct moon_api *api, struct moon_buf *line)
{
    struct moon_span name = word(line);
    struct moon_api_alias *larger =
        moon_arena_append(arena, api->aliases, api->alias_count, sizeof *api->aliases);
    if (!larger)
        return false;
    api->aliases = larger;
    api->aliases[api->alias_count++] =
        (struct moon_api_alias){name, (struct moon_span){line->p, line->left}};
    return true;
}

bool moon_api_load(struct moon_arena *arena, struct moon_span text, struct moon_api *api_r)
{
    struct moon_buf lines = moon_buf_of(text);
    bool good = true;
    *api_r = (struct moon_api){NULL, 0, NULL, 0};
    for (unsigned i = 0; i < LINES_MAX && good && !moon_buf_at_end(&lines); i++) {
        struct moon_buf line = moon_buf_of(moon_buf_until(&lines, '\n'));
        (void)moon_buf_skip(&lines, '\n'); /* the last line may lack it */
        struct moon_span tag = word(&line);
        if (moon_span_is(tag, "---@class"))
            good = add_class(arena, api_r, &line);
        else if (moon_span_is(tag, "---@field"))
            good = add_field(arena, api_r, &line);
        else if (moon_span_is(tag, "---@alias"))
            good = add_alias(arena, api_r, &line);
    }
    return good;
}

const struct moon_api_field *moon_api_field_of(const struct moon_api_class *class,
                                               struct moon_span name)
{
    for (size_t i = 0; i < class->count; i++)
        if (moon_span_eq(class->fields[i].name, name))
            return &class->fields[i];
    return NULL;
}

static bool starts(struct moon_span text, const char *with)
{
    return moon_span_is(moon_span_sub(text, 0, strlen(with)), with);
}

static struct moon_api_type named_type(const struct moon_api *api, struct moon_span text)
{
    static const struct {
        const char *name;
        enum moon_api_kind kind;
    } plain[] = {{"string", MOON_API_TEXT},
                 {"integer", MOON_API_NUMBER},
                 {"number", MOON_API_NUMBER},
                 {"boolean", MOON_API_BOOLEAN}};
    struct moon_api_type type = {.kind = MOON_API_UNKNOWN};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (moon_span_is(text, plain[i].name))
            type.kind = plain[i].kind;
    for (size_t i = 0; i < api->class_count; i++)
        if (moon_span_eq(text, api->classes[i].name))
            type = (struct moon_api_type){.kind = MOON_API_CLASS, .class = &api->classes[i]};
    for (size_t i = 0; i < api->alias_count; i++)
        if (moon_span_eq(text, api->aliases[i].name) && starts(api->aliases[i].words, "\""))
            type = (struct moon_api_type){.kind = MOON_API_WORDS, .words = api->aliases[i].words};
    return type;
}

struct moon_api_type moon_api_type_of(const struct moon_api *api, struct moon_span text)
{
    struct moon_api_type type = {.kind = MOON_API_UNKNOWN};
    if (starts(text, "fun("))
        return (struct moon_api_type){.kind = MOON_API_FUNCTION, .inner = text};
    if (text.n && text.p[text.n - 1] == '?')
        text.n--;
    if (type_end(text, "|") < text.n)
        return type;
    if (text.n > 2 && text.p[text.n - 1] == ']' && text.p[text.n - 2] == '[')
        return (struct moon_api_type){.kind = MOON_API_LIST,
                                      .inner = moon_span_sub(text, 0, text.n - 2)};
    if (starts(text, "table<") && text.p[text.n - 1] == '>') {
        struct moon_span both = moon_span_sub(text, 6, text.n - 7);
        return (struct moon_api_type){
            .kind = MOON_API_TABLE, .inner = moon_span_sub(both, type_end(both, ",") + 1, both.n)};
    }
    return named_type(api, text);
}

struct moon_api_type moon_api_item(const struct moon_api *api, const struct moon_api_type *type)
{
    const struct moon_api_field *items =
        type->kind == MOON_API_CLASS ? moon_api_field_of(type->class, MOON_SPAN("[integer]"))
                                     : NULL;
    struct moon_span text = type->kind == MOON_API_LIST ? type->inner
                            : items                     ? items->type
                                                        : (struct moon_span){NULL, 0};
    return moon_api_type_of(api, text);
}

/* What stands between "fun(" and the bracket that closes it. */
static struct moon_span arguments_of(const struct moon_api_type *type, struct moon_span *behind_r)
{
    struct moon_span rest = moon_span_sub(type->inner, 4, type->inner.n);
    size_t end = type_end(rest, ")");
    *behind_r = moon_span_sub(rest, end + 1, rest.n);
    return moon_span_sub(rest, 0, end);
}

struct moon_api_type moon_api_result(const struct moon_api *api, const struct moon_api_type *type)
{
    struct moon_span behind = {NULL, 0};
    if (type->kind == MOON_API_FUNCTION)
        (void)arguments_of(type, &behind); /* only what stands behind them */
    if (behind.n && behind.p[0] == ':')
        behind = moon_span_trim(moon_span_sub(behind, 1, behind.n));
    return moon_api_type_of(api, behind);
}

struct moon_api_type moon_api_argument(const struct moon_api *api, const struct moon_api_type *type,
                                       size_t i)
{
    struct moon_span behind, left = {NULL, 0};
    if (type->kind == MOON_API_FUNCTION)
        left = arguments_of(type, &behind);
    for (i += moon_api_is_method(type); left.n; i--) {
        size_t end = type_end(left, ",");
        if (i == 0) {
            struct moon_span one = moon_span_sub(left, 0, end);
            return moon_api_type_of(
                api, moon_span_trim(moon_span_sub(one, type_end(one, ":") + 1, one.n)));
        }
        left = moon_span_sub(left, end + 1, left.n);
    }
    return (struct moon_api_type){.kind = MOON_API_UNKNOWN};
}

bool moon_api_is_method(const struct moon_api_type *type)
{
    return type->kind == MOON_API_FUNCTION && starts(type->inner, "fun(self:");
}

bool moon_api_next_word(struct moon_span *words, struct moon_span *word_r)
{
    size_t end = type_end(*words, "|");
    if (words->n == 0)
        return false;
    *word_r = moon_span_sub(*words, 1, end > 2 ? end - 2 : 0);
    *words = moon_span_sub(*words, end + 1, words->n);
    return true;
}
