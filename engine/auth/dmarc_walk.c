/* SPDX-License-Identifier: MIT
 *
 * dmarc_walk: the DNS Tree Walk of RFC 9989 section 4.10. All its questions are started together;
 * the answers are read in the order of the walk, and it stops where the RFC stops.
 */
#include "engine/auth/dmarc_walk.h"

#include <string.h>

#include "engine/base/limits.h"
#include "engine/message/domain.h"

#define PREFIX    "_dmarc."
#define NAME_SIZE (sizeof PREFIX + MOON_DOMAIN_MAX + 1)

static const char *dmarc_name(const char *domain, char name[NAME_SIZE])
{
    size_t n = strnlen(domain, MOON_DOMAIN_MAX); /* a normalized domain always fits */

    memcpy(name, PREFIX, sizeof PREFIX - 1);
    memcpy(name + sizeof PREFIX - 1, domain, n);
    name[sizeof PREFIX - 1 + n] = '\0';
    return name;
}

void moon_dmarc_lookup_start(struct moon_dns *dns, const char *domain)
{
    char name[NAME_SIZE];
    (void)moon_dns_start(dns, dmarc_name(domain, name), MOON_DNS_TYPE_TXT); /* read when needed */
}

enum moon_status moon_dmarc_lookup(struct moon_arena *arena, struct moon_dns *dns,
                                   const char *domain, struct moon_dmarc_lookup *lookup_r)
{
    char name[NAME_SIZE];
    const struct moon_dns_answer *answer =
        moon_dns_wait(dns, dmarc_name(domain, name), MOON_DNS_TYPE_TXT);

    *lookup_r = (struct moon_dmarc_lookup){.domain = domain};
    if (answer->state == MOON_DNS_STATE_TROUBLE) {
        lookup_r->refused = answer->refused;
        lookup_r->trouble = moon_arena_printf(arena, "%s: %s", name, answer->reason);
        return lookup_r->trouble ? MOON_OK : MOON_ENOMEM;
    }
    for (size_t i = 0; i < answer->count; i++) {
        bool is_dmarc = false;
        enum moon_status status =
            moon_dmarc_record_parse(arena, answer->records[i].text, &lookup_r->record, &is_dmarc);
        if (status != MOON_OK)
            return status;
        lookup_r->records += is_dmarc;
    }
    return MOON_OK;
}

/* Steps 3, 4 and 7: fewer than eight labels lose one at a time; eight or more are shortened to
 * seven first. */
size_t moon_dmarc_walk_names(const char *start, const char *names_r[MOON_DMARC_QUERIES_MAX])
{
    size_t count = 0, labels = moon_domain_labels(start);
    const char *name = start;

    while (name && count < MOON_DMARC_QUERIES_MAX) {
        names_r[count++] = name;
        name = labels > MOON_DMARC_QUERIES_MAX && count == 1
                   ? moon_domain_tail(start, MOON_DMARC_QUERIES_MAX - 1)
                   : moon_domain_parent(name);
    }
    return count;
}

void moon_dmarc_walk_start(struct moon_dns *dns, const char *start)
{
    const char *names[MOON_DMARC_QUERIES_MAX];
    size_t count = moon_dmarc_walk_names(start, names);
    for (size_t i = 0; i < count; i++)
        moon_dmarc_lookup_start(dns, names[i]);
}

/* RFC 9989 section 4.10.2. Only the last record found can carry psd=n or psd=y: it ended the walk.
 * The name one label below a PSD is cut from the start, because the walk may have jumped over it.
 */
static const char *organizational_domain(const struct moon_dmarc_walk *walk)
{
    if (walk->count == 0)
        return walk->start;
    const struct moon_dmarc_lookup *last = &walk->found[walk->count - 1];
    if (last->record.psd == 'y' && last->domain != walk->start)
        return moon_domain_tail(walk->start, moon_domain_labels(last->domain) + 1);
    return last->domain;
}

enum moon_status moon_dmarc_walk(struct moon_arena *arena, struct moon_dns *dns, const char *start,
                                 struct moon_dmarc_walk *walk_r)
{
    const char *names[MOON_DMARC_QUERIES_MAX];
    size_t count = moon_dmarc_walk_names(start, names);

    *walk_r = (struct moon_dmarc_walk){.start = start};
    moon_dmarc_walk_start(dns, start);
    for (size_t i = 0; i < count; i++) {
        struct moon_dmarc_lookup *lookup = &walk_r->found[walk_r->count];
        enum moon_status status = moon_dmarc_lookup(arena, dns, names[i], lookup);
        if (status != MOON_OK)
            return status;
        walk_r->queries++;
        if (lookup->trouble) {
            walk_r->trouble = lookup->trouble;
            return MOON_OK;
        }
        if (lookup->records > 1) { /* steps 2 and 6: as if there were none; the walk goes on */
            walk_r->error = moon_arena_printf(arena, "%s%s" PREFIX "%s has %zu DMARC records",
                                              walk_r->error ? walk_r->error : "",
                                              walk_r->error ? "; " : "", names[i], lookup->records);
            if (!walk_r->error)
                return MOON_ENOMEM;
        } else if (lookup->records == 1) {
            walk_r->count++;
            if (lookup->record.psd != 'u')
                break;
        }
    }
    walk_r->organizational_domain = organizational_domain(walk_r);
    return MOON_OK;
}

enum moon_status moon_dmarc_walk_may_reach(struct moon_arena *arena, struct moon_dns *dns,
                                           const char *start, const char *organization, bool *may_r)
{
    const char *names[MOON_DMARC_QUERIES_MAX];
    size_t count = moon_dmarc_walk_names(start, names);

    *may_r = true;
    for (size_t i = 0; i < count && *may_r && moon_domain_within(names[i], organization); i++) {
        bool there = moon_domain_equal(names[i], organization);
        struct moon_dmarc_lookup lookup;
        enum moon_status status = moon_dmarc_lookup(arena, dns, names[i], &lookup);
        if (status != MOON_OK)
            return status;
        char psd = !lookup.trouble && lookup.records == 1 ? lookup.record.psd : 'u';
        *may_r = !lookup.refused && (psd == 'u' || (there && (psd == 'n' || i == 0)));
    }
    return MOON_OK;
}
