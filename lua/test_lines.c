/* SPDX-License-Identifier: MIT
 *
 * test_lines: see the header.
 */
#include "lua/test_lines.h"

#include "lua/tokens.h"

#define NAME_BYTES_MAX 200u /* a longer text is no test's name */

/* How much the text behind these two tokens looks like a test's name: `name = "text"` most, then an
 * argument or an item, then what is set elsewhere; 0: what is compared or joined is none. Those in
 * or behind the list of tests are worth one more than the same before it. */
static unsigned char weight_of(const struct moon_token *before_that,
                               const struct moon_token *before)
{
    switch (before->kind) {
    case MOON_TOKEN_EQUAL:
    case MOON_TOKEN_UNEQUAL:
    case MOON_TOKEN_ORDER:
    case MOON_TOKEN_CONCAT:
    case '[':
        return 0;
    case '=':
        return before_that->kind == MOON_TOKEN_NAME && moon_span_is(before_that->text, "name") ? 5
                                                                                               : 1;
    default:
        return before->kind == '(' || before->kind == ',' || before->kind == '{' ? 3 : 1;
    }
}

bool moon_test_names_read(struct moon_arena *arena, struct moon_span source,
                          struct moon_test_names *names_r)
{
    const int list_line = moon_test_list_line(source);
    struct moon_tokens tokens = moon_tokens_of(source);
    struct moon_token token = {0, {NULL, 0}, 0}, before = token, before_that = token;

    *names_r = (struct moon_test_names){NULL, 0};
    for (;; before_that = before, before = token) {
        token = moon_tokens_next(&tokens);
        if (!token.kind)
            return true;
        if (token.kind != MOON_TOKEN_TEXT || token.text.n > NAME_BYTES_MAX)
            continue;
        unsigned char weight = weight_of(&before_that, &before);
        if (weight == 0)
            continue;
        weight = (unsigned char)(weight + (token.line >= list_line));
        struct moon_test_name *larger =
            moon_arena_append(arena, names_r->name, names_r->count, sizeof *larger);
        if (!larger)
            return false;
        names_r->name = larger;
        larger[names_r->count++] = (struct moon_test_name){token.text, token.line, weight, false};
    }
}

int moon_test_names_line(struct moon_test_names *names, const char *text, int otherwise)
{
    struct moon_test_name *best = NULL;
    for (size_t i = 0; i < names->count; i++) {
        struct moon_test_name *name = &names->name[i];
        if (moon_span_is(name->text, text) &&
            (!best || name->weight > best->weight ||
             (name->weight == best->weight && best->found && !name->found)))
            best = name;
    }
    if (!best)
        return otherwise;
    best->found = true;
    return best->line;
}

int moon_test_list_line(struct moon_span source)
{
    struct moon_tokens tokens = moon_tokens_of(source);
    struct moon_token token, before = {0, {NULL, 0}, 0};

    while ((token = moon_tokens_next(&tokens)).kind) {
        if ((token.kind == '=' || token.kind == '(') && before.kind == 'n' &&
            moon_span_is(before.text, "tests"))
            return before.line;
        before = token;
    }
    return 1;
}

int moon_test_key_line(struct moon_span source, const char *word, int after)
{
    struct moon_tokens tokens = moon_tokens_of(source);
    struct moon_token token, before = {0, {NULL, 0}, 0};

    while ((token = moon_tokens_next(&tokens)).kind) {
        if (token.kind == '=' && before.kind == 'n' && before.line >= after &&
            moon_span_is(before.text, word))
            return before.line;
        before = token;
    }
    return after;
}
