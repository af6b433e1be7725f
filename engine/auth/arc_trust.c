/* SPDX-License-Identifier: MIT
 *
 * arc_trust: what a validated chain is worth: which set speaks for a sealer, and what it says (RFC
 * 8617 section 7.2.1).
 */
#include "engine/auth/results.h"

#include <string.h>

const struct moon_arc_set *moon_arc_sealed_by(const struct moon_arc *arc, const char *domain)
{
    if (arc->result != MOON_RESULT_PASS || !arc->verified || !domain)
        return NULL;
    for (size_t i = arc->set_count; i > 0; i--) {
        const struct moon_arc_set *set = &arc->sets[i - 1];
        if (!set->domain || strcmp(set->domain, domain) != 0)
            continue;
        bool binds = i == arc->set_count || set->signature.result == MOON_RESULT_PASS;
        return binds ? set : NULL;
    }
    return NULL;
}

/* The domain in "a@b.example" or "b.example", without case. */
static bool names_domain(const char *value, const char *domain)
{
    struct moon_span text = moon_span_of(value);
    text = moon_span_sub(text, moon_span_rfind(text, '@') + 1, text.n); /* none: -1 and 1 are 0 */
    return domain && moon_span_is_nocase(text, domain);
}

static bool is_about(const struct moon_arc_result *result, const char *author_domain)
{
    for (size_t i = 0; i < result->property_count; i++)
        if (strcmp(result->properties[i].name, "header.from") == 0 &&
            !names_domain(result->properties[i].value, author_domain))
            return false;
    return true;
}

bool moon_arc_vouches(const struct moon_arc *arc, const char *domain, const char *method,
                      const char *author_domain)
{
    const struct moon_arc_set *set = moon_arc_sealed_by(arc, domain);

    if (!set || !set->signature.covers_from)
        return false;
    for (size_t i = 0; i < set->result_count; i++) {
        const struct moon_arc_result *result = &set->results[i];
        if (strcmp(result->method, method) != 0)
            continue;
        if (strcmp(result->result, "pass") == 0 && is_about(result, author_domain))
            return true;
        if (strcmp(method, "dkim") != 0)
            return false;
    }
    return false;
}
