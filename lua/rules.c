/* SPDX-License-Identifier: MIT
 *
 * rules: a rule is NAME "." VERDICT or VERDICT alone, called: followed by "{", "(" or a text. Names
 * of functions being defined are none ("function policy.reject(" ...).
 */
#include "lua/rules.h"

#include "lua/tokens.h"

static bool is_verdict(struct moon_span name)
{
    static const char *const names[] = {"accept", "quarantine", "reject", "defer", "discard"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (moon_span_is(name, names[i]))
            return true;
    return false;
}

enum moon_status moon_rules_find(struct moon_arena *arena, struct moon_span source,
                                 struct moon_rule **rules_r, size_t *count_r)
{
    struct moon_tokens tokens = moon_tokens_of(source);
    struct moon_token window[5] = {{0, {NULL, 0}, 0}}; /* the last ones, the newest at the end */

    *rules_r = NULL;
    *count_r = 0;
    do {
        for (size_t i = 0; i + 1 < 5; i++)
            window[i] = window[i + 1];
        window[4] = moon_tokens_next(&tokens);
        const struct moon_token *name = &window[3];
        const struct moon_token *head = &window[name[-1].kind == '.' ? 0 : 2];
        bool call = window[4].kind == '{' || window[4].kind == '(' || window[4].kind == 's';
        if (!call || name->kind != 'n' || !is_verdict(name->text) ||
            (head->kind == 'n' && moon_span_is(head->text, "function")) || name[-1].kind == ':')
            continue;
        if (*count_r && (*rules_r)[*count_r - 1].line == name->line)
            continue;
        struct moon_rule *larger = moon_arena_append(arena, *rules_r, *count_r, sizeof *larger);
        if (!larger)
            return MOON_ENOMEM;
        *rules_r = larger;
        larger[(*count_r)++] = (struct moon_rule){name->line, name->text};
    } while (window[4].kind);
    return MOON_OK;
}
