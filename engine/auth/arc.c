/* SPDX-License-Identifier: MIT
 *
 * arc: finds the fields of RFC 8617 section 4.1, sorts them into sets by instance and reads what a
 * policy may want to know of them. Nothing is verified here, and the result says so: it is never
 * pass.
 */
#include "engine/auth/arc.h"

#include <string.h>

#include "engine/auth/authres_id.h"
#include "engine/base/limits.h"
#include "engine/message/domain.h"
#include "engine/message/tags.h"

/* Fields looked into: three for each set that may be. More are only counted. */
#define FIELDS_MAX (3 * MOON_ARC_INSTANCES_MAX)

struct survey {
    struct moon_arena *arena;
    struct moon_arc *arc;
    struct moon_arc_set *by_instance[MOON_ARC_INSTANCES_MAX + 1];
    size_t looked_at;
};

/* RFC 8617 section 4.2.1: 1 to 50. 0: none. */
static unsigned instance_of(struct moon_span text)
{
    uint64_t number = 0;
    if (!moon_span_number(moon_span_trim(text), MOON_ARC_INSTANCES_MAX, &number))
        return 0;
    return (unsigned)number;
}

/* The set of an instance, made when it is new; NULL without memory. */
static struct moon_arc_set *set_of(struct survey *s, unsigned instance)
{
    struct moon_arc_set **set = &s->by_instance[instance];
    if (!*set) {
        *set = moon_arena_alloc(s->arena, sizeof **set);
        if (*set)
            (*set)->instance = instance;
    }
    return *set;
}

static enum moon_status read_seal(struct survey *s, struct moon_span value)
{
    struct moon_tags tags;
    const char *reason = NULL;
    enum moon_status status = moon_tags_parse(s->arena, value, &tags, &reason);
    if (status != MOON_OK || reason)
        return status;

    const struct moon_tag *i = moon_tags_find(&tags, "i"), *d = moon_tags_find(&tags, "d"),
                          *sel = moon_tags_find(&tags, "s"), *cv = moon_tags_find(&tags, "cv");
    unsigned instance = i ? instance_of(i->value) : 0;
    if (instance == 0)
        return MOON_OK;
    struct moon_arc_set *set = set_of(s, instance);
    if (!set)
        return MOON_ENOMEM;
    set->domain = d ? moon_domain_normalize(s->arena, d->value) : NULL;
    set->selector = sel ? moon_domain_normalize(s->arena, sel->value) : NULL;
    set->cv = NULL;
    static const char *const words[] = {"none", "pass", "fail"};
    for (size_t w = 0; cv && w < sizeof words / sizeof *words; w++)
        if (moon_span_is_nocase(cv->value, words[w]))
            set->cv = words[w];
    return MOON_OK;
}

static enum moon_status read_signature(struct survey *s, struct moon_span value)
{
    struct moon_tags tags;
    const char *reason = NULL;
    enum moon_status status = moon_tags_parse(s->arena, value, &tags, &reason);
    const struct moon_tag *i = status == MOON_OK ? moon_tags_find(&tags, "i") : NULL;
    unsigned instance = i ? instance_of(i->value) : 0;
    return instance && !set_of(s, instance) ? MOON_ENOMEM : status;
}

/* "i=N;" authserv-id ";" ... (RFC 8617 section 4.1.1). */
static enum moon_status read_results(struct survey *s, struct moon_span value)
{
    char id[MOON_AUTHRES_ID_SIZE];
    size_t end = moon_span_find(value, ';');
    struct moon_span first = moon_span_trim(moon_span_sub(value, 0, end));
    size_t equals = moon_span_find(first, '=');

    if (end == (size_t)-1 || equals == (size_t)-1 ||
        !moon_span_is(moon_span_trim(moon_span_sub(first, 0, equals)), "i"))
        return MOON_OK;
    unsigned instance = instance_of(moon_span_sub(first, equals + 1, first.n));
    if (instance == 0)
        return MOON_OK;
    struct moon_arc_set *set = set_of(s, instance);
    if (!set)
        return MOON_ENOMEM;
    if (!moon_authres_read_id(moon_span_sub(value, end + 1, value.n), id))
        return MOON_OK;
    set->authserv_id = moon_arena_cstr(s->arena, id);
    return set->authserv_id ? MOON_OK : MOON_ENOMEM;
}

static enum moon_status read_field(struct survey *s, const struct moon_field *field)
{
    static const struct {
        const char *name;
        enum moon_status (*read)(struct survey *, struct moon_span);
    } kinds[] = {
        {"ARC-Seal", read_seal},
        {"ARC-Message-Signature", read_signature},
        {"ARC-Authentication-Results", read_results},
    };
    size_t *counts[] = {&s->arc->seal_count, &s->arc->signature_count, &s->arc->results_count};

    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (!moon_span_is_nocase(field->name, kinds[k].name))
            continue;
        ++*counts[k];
        if (s->looked_at == FIELDS_MAX || field->value.n > MOON_SIG_BYTES_MAX)
            return MOON_OK;
        s->looked_at++;
        return kinds[k].read(s, field->value);
    }
    return MOON_OK;
}

static enum moon_status list_sets(struct survey *s)
{
    struct moon_arc *arc = s->arc;

    for (unsigned i = 1; i <= MOON_ARC_INSTANCES_MAX; i++) {
        if (!s->by_instance[i])
            continue;
        arc->instances = i;
        arc->sets = moon_arena_append(s->arena, arc->sets, arc->set_count, sizeof *arc->sets);
        if (!arc->sets)
            return MOON_ENOMEM;
        arc->sets[arc->set_count++] = *s->by_instance[i];
    }
    return MOON_OK;
}

enum moon_status moon_arc_survey(struct moon_arena *arena, const struct moon_message *msg,
                                 struct moon_arc *arc_r)
{
    struct survey survey = {.arena = arena, .arc = arc_r};

    *arc_r = (struct moon_arc){.result = MOON_RESULT_NONE, .reason = ""};
    for (size_t i = 0; i < msg->field_count; i++) {
        enum moon_status status = read_field(&survey, &msg->fields[i]);
        if (status != MOON_OK)
            return status;
    }
    if (arc_r->seal_count + arc_r->signature_count + arc_r->results_count > 0) {
        arc_r->result = MOON_RESULT_NEUTRAL;
        arc_r->reason = "found, not verified by this version";
    }
    return list_sets(&survey);
}
