/* SPDX-License-Identifier: MIT
 *
 * lint_verdicts: verdicts that nobody gets, and what other programs call a verdict.
 */
#include <stdio.h>
#include <string.h>

#include "lua/lint_walk.h"

#define TAGGED "accept { tag = \"...\" }"

static char kind(const struct moon_walk *w, size_t i)
{
    return moon_walk_token(w, i)->kind;
}

/* Does the name at token i begin a statement? Behind what ends an operand nothing else can. */
static bool begins_statement(const struct moon_walk *w, size_t i)
{
    static const char *const before[] = {"then",  "do",  "else", "repeat", "end",
                                         "break", "nil", "true", "false"};
    if (i == 0 || moon_walk_is_name(w, i - 1))
        return true;
    char c = kind(w, i - 1);
    if (c != MOON_TOKEN_NAME)
        return strchr(";)]}sdDL", c) != NULL;
    for (size_t k = 0; k < sizeof before / sizeof before[0]; k++)
        if (moon_walk_is(w, i - 1, before[k]))
            return true;
    return false;
}

void moon_walk_forgotten(struct moon_walk *w, const struct moon_chain *c)
{
    char call[MOON_CHAIN_SHOWN_MAX];
    size_t arguments = c->end;
    if (c->before != '(' || c->type.kind != MOON_API_CLASS ||
        !moon_span_is(c->type.class->name, "moonscan.Verdict") || !begins_statement(w, c->start))
        return;
    for (size_t i = c->start + 1; i < c->end; i++) {
        arguments = i;
        if (kind(w, i) == '(' || kind(w, i) == '{' || kind(w, i) == '[')
            i = moon_walk_match(w, i);
    }
    (void)moon_chain_shown(w, c->start, arguments, call);
    moon_walk_tell(w, c->start,
                   "a verdict that is not returned does nothing; write: return %s { ... }", call);
}

const char *moon_walk_verdict_meant(struct moon_span name)
{
    static const char *const words[][2] = {
        {"allow", "accept"},      {"bounce", "reject"},     {"block", "reject"},
        {"blackhole", "discard"}, {"delete", "discard"},    {"deny", "reject"},
        {"deliver", "accept"},    {"drop", "reject"},       {"fail", "reject"},
        {"flag", TAGGED},         {"freeze", "quarantine"}, {"graylist", "defer"},
        {"greylist", "defer"},    {"hold", "quarantine"},   {"junk", "quarantine"},
        {"ok", "accept"},         {"pass", "accept"},       {"permit", "accept"},
        {"refuse", "reject"},     {"retry", "defer"},       {"spam", "quarantine"},
        {"tag", TAGGED},          {"tempfail", "defer"},    {"temperror", "defer"},
        {"tempreject", "defer"},  {"warn", "accept"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (moon_span_is(name, words[i][0]))
            return words[i][1];
    return NULL;
}
