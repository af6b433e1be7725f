/* SPDX-License-Identifier: MIT
 *
 * dmarc_walk: the DNS Tree Walk (RFC 9989 section 4.10) and the Organizational Domain it finds.
 */
#ifndef MOON_AUTH_DMARC_WALK_H
#define MOON_AUTH_DMARC_WALK_H

#include "engine/auth/dmarc_record.h"

/* What one name answered. */
struct moon_dmarc_lookup {
    const char *domain;
    size_t records;                  /* DMARC records found: with several, none of them counts */
    struct moon_dmarc_record record; /* when there is exactly one */
    const char *trouble;             /* DNS gave no answer: why; else NULL */
    bool refused;                    /* trouble of our own making: the message's question cap */
};
/* The DMARC record at one name. MOON_ENOMEM is the only failure. */
enum moon_status moon_dmarc_lookup(struct moon_arena *arena, struct moon_dns *dns,
                                   const char *domain, struct moon_dmarc_lookup *lookup_r);
/* Starts that question without waiting. */
void moon_dmarc_lookup_start(struct moon_dns *dns, const char *domain);

struct moon_dmarc_walk {
    const char *start;
    struct moon_dmarc_lookup found[MOON_DMARC_QUERIES_MAX]; /* valid records, longest name first */
    size_t count;
    const char *organizational_domain; /* NULL when DNS trouble leaves it open */
    const char *trouble;               /* what failed, for people; NULL when nothing did */
    const char *error;                 /* several records at one name, or NULL */
    unsigned queries;
};

/* The names of the walk, longest first: pointers into `start`. Returns how many. */
size_t moon_dmarc_walk_names(const char *start, const char *names_r[MOON_DMARC_QUERIES_MAX]);
/* Starts all its questions without waiting. */
void moon_dmarc_walk_start(struct moon_dns *dns, const char *start);
/* `start` is normalized and lives as long as the arena. MOON_ENOMEM is the only failure. */
enum moon_status moon_dmarc_walk(struct moon_arena *arena, struct moon_dns *dns, const char *start,
                                 struct moon_dmarc_walk *walk_r);
/* After a walk that met trouble: could it have come to `organization`, which is above `start`? Not
 * when a record that did arrive ends every walk below it, or is the one of a PSD there (RFC 9989
 * section 4.10.2). Nor when the message's question cap refused one of its questions: that is never
 * a temporary error. MOON_ENOMEM is the only failure. */
enum moon_status moon_dmarc_walk_may_reach(struct moon_arena *arena, struct moon_dns *dns,
                                           const char *start, const char *organization,
                                           bool *may_r);

#endif
