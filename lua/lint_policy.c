/* SPDX-License-Identifier: MIT
 *
 * lint_policy: what is wrong with the policy's own table: groups that are nil, functions that are
 * written as methods.
 */
#include "engine/base/nearest.h"
#include "lua/lint_walk.h"

#define GROUPS_MAX  200u /* each is a look through the whole file */
#define OFFERED_MAX 50u

static char kind(const struct moon_walk *w, size_t i)
{
    return moon_walk_token(w, i)->kind;
}

static struct moon_span text(const struct moon_walk *w, size_t i)
{
    return moon_walk_token(w, i)->text;
}

static bool is_policy(const struct moon_walk *w, size_t i)
{
    return w->policy.n && kind(w, i) == MOON_TOKEN_NAME && kind(w, i - 1) != '.' &&
           kind(w, i - 1) != ':' && moon_span_eq(text(w, i), w->policy);
}

/* Where the policy's fields are set, as far as the tokens show it. */
struct fields {
    size_t defined; /* the first token that sets the field asked for; 0: none */
    bool all_seen;  /* the table is used in no other way than by its fields */
    bool offer;     /* the field is not set: what others are called is wanted */
    unsigned offered;
    struct moon_nearest nearest;
};

static void see_field(struct moon_walk *w, struct fields *fields, struct moon_span name, size_t i)
{
    if (moon_span_eq(text(w, i), name))
        fields->defined = fields->defined ? fields->defined : i;
    else if (fields->offer && fields->offered++ < OFFERED_MAX)
        moon_nearest_offer(&fields->nearest, name, moon_chain_keep(w, text(w, i)));
}

/* The keys of the table at token `open`. */
static void see_table(struct moon_walk *w, struct fields *fields, struct moon_span name,
                      size_t open)
{
    size_t close = moon_walk_match(w, open);
    for (size_t i = open + 1; i < close; i++) {
        if (kind(w, i) == '[' && (kind(w, i - 1) == ',' || kind(w, i - 1) == ';' || i == open + 1))
            fields->all_seen = false;
        if (moon_walk_is_name(w, i) && kind(w, i + 1) == '=' &&
            (kind(w, i - 1) == ',' || kind(w, i - 1) == ';' || i == open + 1))
            see_field(w, fields, name, i);
        if (kind(w, i) == '(' || kind(w, i) == '{' || kind(w, i) == '[' ||
            moon_walk_is(w, i, "function"))
            i = moon_walk_match(w, i);
    }
}

static struct fields find_fields(struct moon_walk *w, struct moon_span name, bool offer)
{
    struct fields fields = {.all_seen = true, .offer = offer};
    for (size_t i = 0; i < w->count; i++) {
        if (!is_policy(w, i))
            continue;
        size_t behind = kind(w, i + 1) == '<' ? i + 4 : i + 1; /* <const> */
        bool function = moon_walk_is(w, i - 1, "function");
        if (kind(w, behind) == '=' && kind(w, behind + 1) == '{')
            see_table(w, &fields, name, behind + 1);
        else if ((kind(w, i + 1) == '.' || (function && kind(w, i + 1) == ':')) &&
                 kind(w, i + 3) == (function ? '(' : '='))
            see_field(w, &fields, name, i + 2);
        else if (kind(w, i + 1) != '.' && !moon_walk_is(w, i - 1, "return"))
            fields.all_seen = false;
    }
    return fields;
}

void moon_walk_group(struct moon_walk *w, size_t equal)
{
    size_t i = equal + 1;
    char end = kind(w, i + 3);
    if (!w->report || !is_policy(w, i) || kind(w, i + 1) != '.' ||
        (end != ',' && end != ';' && end != '}') || w->groups++ >= GROUPS_MAX)
        return;
    struct moon_span name = text(w, i + 2);
    struct fields fields = find_fields(w, name, false);
    if (!fields.all_seen || moon_span_is(name, "recipients"))
        return;
    for (size_t k = 0; k < w->depth; k++)
        if (w->frames[k].opener == 'f')
            return; /* what is run later may find what is written later */
    if (!fields.defined)
        fields = find_fields(w, name, true);
    if (!fields.defined)
        moon_walk_tell(
            w, i, "%.*s.%.*s is nil: nothing sets it%s%s%s", (int)w->policy.n, w->policy.p,
            (int)name.n, name.p, fields.nearest.best ? "; did you mean '" : "",
            fields.nearest.best ? fields.nearest.best : "", fields.nearest.best ? "'?" : "");
    else if (fields.defined > i)
        moon_walk_tell(w, i,
                       "%.*s.%.*s is still nil here: it is set at line %d; move recipients behind "
                       "it",
                       (int)w->policy.n, w->policy.p, (int)name.n, name.p,
                       moon_walk_token(w, fields.defined)->line);
}

void moon_walk_method(struct moon_walk *w, size_t i)
{
    if (kind(w, i + 2) != ':' || !is_policy(w, i + 1) ||
        (!moon_walk_is(w, i + 3, "message") && !moon_walk_is(w, i + 3, "locked")))
        return;
    moon_walk_tell(
        w, i, "a policy's function gets m alone; write it with a dot: function %.*s.%.*s(m)",
        (int)text(w, i + 1).n, text(w, i + 1).p, (int)text(w, i + 3).n, text(w, i + 3).p);
}
