/* SPDX-License-Identifier: MIT
 *
 * lint_cures: the right call for one that is given something else.
 */
#include <stdio.h>
#include <string.h>

#include "lua/lint_walk.h"

#define SHOWN 60 /* of a text */

static char kind(const struct moon_walk *w, size_t i)
{
    return moon_walk_token(w, i)->kind;
}

/* "5.7.1 go away" -> { esc = "5.7.1", text = "go away" }. */
static void verdict_call(char *out, const char *what, const char *given)
{
    size_t digits = strspn(given, "0123456789.");
    bool esc = digits >= 5 && given[1] == '.' && (given[digits] == ' ' || !given[digits]);
    const char *rest = esc ? given + digits + strspn(given + digits, " ") : given;
    if (!esc)
        (void)snprintf(out, MOON_CURE_MAX, "; write: %s { text = \"%.60s\" }", what, given);
    else
        (void)snprintf(out, MOON_CURE_MAX, "; write: %s { esc = \"%.*s\"%s%.60s%s }", what,
                       (int)(digits < 20 ? digits : 20), given, *rest ? ", text = \"" : "", rest,
                       *rest ? "\"" : "");
}

const char *moon_cure_argument(struct moon_walk *w, const char *what,
                               const struct moon_api_type *wanted, size_t i,
                               char out[MOON_CURE_MAX])
{
    struct moon_span word = moon_walk_token(w, i)->text;
    out[0] = '\0';
    if (wanted->kind != MOON_API_CLASS || kind(w, i) != MOON_TOKEN_TEXT)
        return out;
    const char *given = moon_chain_keep(w, moon_span_sub(word, 0, 100));
    struct moon_span class = wanted->class->name;
    if (moon_span_is(class, "moonscan.VerdictFields"))
        verdict_call(out, what, given);
    else if (moon_span_is(class, "moonscan.Message"))
        (void)snprintf(out, MOON_CURE_MAX, "; write: %s(m, \"%.60s\")", what, given);
    else if (moon_span_is(class, "moonscan.Dns"))
        (void)snprintf(out, MOON_CURE_MAX, "; write: %s { name = \"%.60s\" }", what, given);
    else if (moon_api_field_of(wanted->class, MOON_SPAN("key")))
        (void)snprintf(out, MOON_CURE_MAX, "; write: %s { key = \"%.60s\" }", what, given);
    return out;
}

const char *moon_cure_field(struct moon_walk *w, struct moon_span key,
                            const struct moon_api_type *wanted, size_t i, char out[MOON_CURE_MAX])
{
    out[0] = '\0';
    if (wanted->kind == MOON_API_LIST && kind(w, i) == MOON_TOKEN_TEXT)
        (void)snprintf(out, MOON_CURE_MAX, "; write: %.*s = { \"%.60s\" }", (int)key.n, key.p,
                       moon_chain_keep(w, moon_span_sub(moon_walk_token(w, i)->text, 0, SHOWN)));
    return out;
}

void moon_cure_record(struct moon_walk *w, const char *what, size_t i, size_t end,
                      const struct moon_api_type *given)
{
    char shown[MOON_CHAIN_SHOWN_MAX];
    size_t n = strlen(what);
    bool has = n > 4 && !strcmp(what + n - 4, ":has");
    if (given->kind != MOON_API_CLASS)
        return;
    (void)moon_chain_shown(w, i, end, shown);
    if (has && moon_span_is(given->class->name, "moonscan.Message"))
        moon_walk_tell(w, i, "%s asks for one domain; write: %s(%s.from.domain), or %.*s:match(%s)",
                       what, what, shown, (int)n - 4, what, shown);
    else
        moon_walk_tell(w, i, "%s: what it is given must be a text; %s is %s", what, shown,
                       moon_chain_described(given));
}

void moon_cure_vouches(struct moon_walk *w, const char *what, size_t open, size_t close)
{
    char shown[MOON_CHAIN_SHOWN_MAX];
    size_t n = strlen(what);
    bool several = kind(w, close - 1) == ')' || kind(w, close - 1) == MOON_TOKEN_DOTS;
    if (n < 8 || strcmp(what + n - 8, ":vouches") != 0 || close <= open + 1 || several)
        return;
    moon_walk_tell(w, open, "%s wants a method, too; write: %s(%s, \"dmarc\")", what, what,
                   moon_chain_shown(w, open + 1, close, shown));
}

void moon_cure_unknown_number(struct moon_walk *w, const struct moon_chain *c)
{
    size_t name = c->start + 2;
    bool behind = kind(w, c->end) && strchr("<>O+-*/%S", kind(w, c->end));
    bool before = c->start && strchr("<>O+*/%S", kind(w, c->start - 1));
    if (c->before != '(' || !c->holder || !moon_span_is(c->holder->name, "moonscan") ||
        (!behind && !before) || moon_walk_match(w, name + 1) + 1 != c->end ||
        (!moon_walk_is(w, name, "count") && !moon_walk_is(w, name, "first_seen")))
        return;
    char shown[MOON_CHAIN_SHOWN_MAX];
    (void)moon_chain_shown(w, c->start, name + 1, shown);
    moon_walk_tell(w, c->start, "%s is nil when nobody knows; write: (%s { ... } or 0)", shown,
                   shown);
}

void moon_cure_upper_case(struct moon_walk *w, const struct moon_chain *c, const char *what,
                          size_t literal)
{
    static const char *const fields[] = {"domain",           "mail_from_domain",
                                         "policy_domain",    "organizational_domain",
                                         "signature_domain", "verified_domain"};
    struct moon_span word = moon_walk_token(w, literal)->text;
    bool domain = false, upper = false;
    char lower[SHOWN + 1];
    if (c->before != '.' || !c->holder || word.n > SHOWN)
        return;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        domain = domain || moon_walk_is(w, c->end - 1, fields[i]);
    for (size_t i = 0; i < word.n; i++) {
        upper = upper || moon_lower(word.p[i]) != word.p[i];
        lower[i] = moon_lower(word.p[i]);
    }
    lower[word.n] = '\0';
    if (domain && upper && !memchr(word.p, '\\', word.n))
        moon_walk_tell(w, literal, "%s is lower case and never equals \"%.60s\"; write \"%s\"",
                       what, moon_chain_keep(w, word), lower);
}
