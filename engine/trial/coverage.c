/* SPDX-License-Identifier: MIT
 *
 * coverage: see the header.
 */
#include "engine/trial/coverage.h"

#include <string.h>

#include "lua/rules.h"

enum moon_status moon_coverage_add(struct moon_coverage *coverage, const char *path,
                                   struct moon_span source)
{
    struct moon_rule *rules = NULL;
    size_t count = 0;

    if (moon_rules_find(coverage->arena, source, &rules, &count) != MOON_OK)
        return MOON_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct moon_covered *larger =
            moon_arena_append(coverage->arena, coverage->rule, coverage->count, sizeof *larger);
        if (!larger)
            return MOON_ENOMEM;
        coverage->rule = larger;
        larger[coverage->count++] = (struct moon_covered){path, rules[i].line, rules[i].verdict, 0};
    }
    return MOON_OK;
}

static bool is_at(const struct moon_covered *rule, struct moon_span path, uint64_t line)
{
    return rule->line == (int)line && moon_span_is(path, rule->path);
}

void moon_coverage_decided(struct moon_coverage *coverage, const char *rule)
{
    struct moon_span whole = moon_span_of(rule);
    size_t colon = moon_span_rfind(whole, ':');
    uint64_t line = 0;

    if (colon == (size_t)-1 ||
        !moon_span_number(moon_span_sub(whole, colon + 1, whole.n), 1000000, &line))
        return;
    struct moon_span path = moon_span_sub(whole, 0, colon);
    /* Mostly one of the file whose tests run. */
    for (size_t i = 0; i < coverage->count; i++) {
        size_t at = (coverage->recent + i) % coverage->count;
        if (is_at(&coverage->rule[at], path, line)) {
            coverage->rule[at].count++;
            coverage->recent = at;
            return;
        }
    }
}

size_t moon_coverage_missing(const struct moon_coverage *coverage)
{
    size_t missing = 0;
    for (size_t i = 0; i < coverage->count; i++)
        missing += coverage->rule[i].count == 0;
    return missing;
}
