/* SPDX-License-Identifier: MIT
 *
 * hits: how often DMARC was overridden, and by what, counted out of lines of the decision log. What
 * a line may hold and how many rows there may be is bounded; a line that is no record is counted as
 * that and left.
 */
#ifndef MOON_CMD_HITS_H
#define MOON_CMD_HITS_H

#include "engine/base/arena.h"
#include "engine/base/status.h"

#define MOON_HITS_ROWS_MAX  50000u /* more than a site has entries; the rest is one number */
#define MOON_HITS_TEXT_MAX  300u   /* of a name, with its end; longer ones are cut */
#define MOON_HITS_BYTES_MAX ((size_t)128 * 1024 * 1024)

struct moon_hit {
    const char *tenant, *list, *entry,
        *type; /* list: "" when it went by no list; entry: the rule */
    uint64_t count;
    char last[24]; /* time of the newest, as in the log */
    unsigned line; /* of the entry, by the newest */
};

struct moon_hits {
    struct moon_arena *arena;
    struct moon_hit *rows;
    size_t row_count;
    size_t rows_max;
    uint32_t *slots; /* hash table of indices into rows, from 1; 0: free */
    size_t slot_count;
    uint64_t records, unreadable, others; /* others: hits beyond the rows */
    const char *since;                    /* "2026-11-01"; NULL: all */
    bool no_memory;
};

/* MOON_ENOMEM. `arena` is the caller's; MOON_HITS_ROWS_MAX rows, the most, want
 * MOON_HITS_BYTES_MAX.
 */
enum moon_status moon_hits_begin(struct moon_arena *arena, const char *since, size_t rows_max,
                                 struct moon_hits *hits_r);
/* One line of the log, without its newline. */
void moon_hits_line(struct moon_hits *hits, struct moon_span line);
/* Rows by count, then by name; no line can be counted any more. */
void moon_hits_sort(struct moon_hits *hits);
/* Of sorted hits a row of this entry of a list, whatever tenant and type; NULL: it was never hit.
 */
const struct moon_hit *moon_hits_find(const struct moon_hits *hits, const char *list,
                                      const char *entry);

#endif
