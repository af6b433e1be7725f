/* SPDX-License-Identifier: MIT
 *
 * test_lines: see the header.
 */
#include "lua/test_lines.h"

#include "lua/tokens.h"

#define NAME_BYTES_MAX 200u /* a longer text is no test's name */

bool moon_test_names_read(struct moon_arena *arena, struct moon_span source,
                          struct moon_test_names *names_r)
{
    struct moon_tokens tokens = moon_tokens_of(source);
    struct moon_token token;

    *names_r = (struct moon_test_names){NULL, 0};
    while ((token = moon_tokens_next(&tokens)).kind) {
        if (token.kind != 's' || token.text.n > NAME_BYTES_MAX)
            continue;
        struct moon_test_name *larger =
            moon_arena_append(arena, names_r->name, names_r->count, sizeof *larger);
        if (!larger)
            return false;
        names_r->name = larger;
        larger[names_r->count++] = (struct moon_test_name){token.text, token.line};
    }
    return true;
}

int moon_test_names_line(const struct moon_test_names *names, const char *text, int otherwise)
{
    for (size_t i = 0; i < names->count; i++)
        if (moon_span_is(names->name[i].text, text))
            return names->name[i].line;
    return otherwise;
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
