/* SPDX-License-Identifier: MIT
 *
 * hits: 1. Of each record the time, and of each verdict tenant, override, rule and the entry it
 * went by.  2. A line that turns out to be no JSON counts nothing.  3. One row for each tenant,
 * list, entry and type.
 */
#include "engine/cmd/hits.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/json_read.h"

#define VERDICTS_MAX 10u /* in a record */

struct verdict {
    struct moon_span tenant, override, rule, list, entry;
    unsigned line;
};

struct record {
    struct moon_span time;
    struct verdict verdicts[VERDICTS_MAX];
    size_t verdict_count;
};

enum moon_status moon_hits_begin(struct moon_arena *arena, const char *since, size_t rows_max,
                                 struct moon_hits *hits_r)
{
    *hits_r = (struct moon_hits){
        .arena = arena, .since = since, .rows_max = rows_max, .slot_count = 2 * rows_max + 1};
    hits_r->slots = moon_arena_array(arena, hits_r->slot_count, sizeof *hits_r->slots);
    hits_r->rows = moon_arena_array(arena, rows_max, sizeof *hits_r->rows);
    return hits_r->slots && hits_r->rows ? MOON_OK : MOON_ENOMEM;
}

/* --- 1. the record -----------------------------------------------------------------------------
 */

/* Where the reader is: in which member of which depth. */
enum place { ELSEWHERE, RECORD, VERDICTS, VERDICT, VIA };

static enum place place_below(enum place place, const struct moon_json_token *token)
{
    if (place == RECORD && !token->object && moon_span_is(token->key, "verdicts"))
        return VERDICTS;
    if (place == VERDICTS && token->object)
        return VERDICT;
    if (place == VERDICT && token->object && moon_span_is(token->key, "via"))
        return VIA;
    return ELSEWHERE;
}

static void take_member(struct record *record, enum place place,
                        const struct moon_json_token *token)
{
    struct verdict *verdict =
        record->verdict_count ? &record->verdicts[record->verdict_count - 1] : NULL;
    const struct {
        enum place place;
        const char *key;
        struct moon_span *text;
    } texts[] = {{RECORD, "time", &record->time},
                 {VERDICT, "tenant", verdict ? &verdict->tenant : NULL},
                 {VERDICT, "override", verdict ? &verdict->override : NULL},
                 {VERDICT, "rule", verdict ? &verdict->rule : NULL},
                 {VIA, "list", verdict ? &verdict->list : NULL},
                 {VIA, "entry", verdict ? &verdict->entry : NULL}};
    uint64_t line;

    if (token->kind == MOON_JSON_STRING) {
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            if (texts[i].place == place && texts[i].text && moon_span_is(token->key, texts[i].key))
                *texts[i].text = token->text;
    } else if (verdict && place == VIA && token->kind == MOON_JSON_NUMBER &&
               moon_span_is(token->key, "line") && moon_span_number(token->text, 10000000, &line)) {
        verdict->line = (unsigned)line;
    }
}

/* False: it is no record. */
static bool read_record(struct moon_span line, struct record *record)
{
    struct moon_json_reader reader = moon_json_read(line);
    enum place places[MOON_JSON_DEPTH_MAX + 1] = {ELSEWHERE};

    record->verdict_count = 0;
    record->time = (struct moon_span){NULL, 0};
    for (;;) {
        struct moon_json_token token = moon_json_next(&reader);
        if (token.kind == MOON_JSON_BAD || token.kind == MOON_JSON_END)
            return token.kind == MOON_JSON_END && record->time.n > 0;
        if (token.kind != MOON_JSON_OPEN) { /* closing only leaves a place */
            take_member(record, places[reader.depth], &token);
            continue;
        }
        enum place *place = &places[reader.depth];
        *place = reader.depth == 1 ? (token.object ? RECORD : ELSEWHERE)
                                   : place_below(place[-1], &token);
        if (*place != VERDICT)
            continue;
        if (record->verdict_count == VERDICTS_MAX)
            *place = ELSEWHERE;
        else
            record->verdicts[record->verdict_count++] = (struct verdict){.line = 0};
    }
}

/* --- 3. rows -----------------------------------------------------------------------------------
 */

/* FNV-1a. */
static uint32_t hash_of(uint32_t hash, const char *text)
{
    do
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    while (*text++);
    return hash;
}

/* Its row, new when there is room; NULL: there is none. */
static struct moon_hit *row_of(struct moon_hits *hits, const char *const names[4])
{
    uint32_t hash = 2166136261u;
    for (int i = 0; i < 4; i++)
        hash = hash_of(hash, names[i]);
    size_t slot = hash % hits->slot_count;
    for (; hits->slots[slot]; slot = (slot + 1) % hits->slot_count) {
        struct moon_hit *row = &hits->rows[hits->slots[slot] - 1];
        if (!strcmp(row->tenant, names[0]) && !strcmp(row->list, names[1]) &&
            !strcmp(row->entry, names[2]) && !strcmp(row->type, names[3]))
            return row;
    }
    if (hits->row_count == hits->rows_max)
        return NULL;
    struct moon_hit row = {.tenant = moon_arena_cstr(hits->arena, names[0]),
                           .list = moon_arena_cstr(hits->arena, names[1]),
                           .entry = moon_arena_cstr(hits->arena, names[2]),
                           .type = moon_arena_cstr(hits->arena, names[3])};
    if (!row.tenant || !row.list || !row.entry || !row.type) {
        hits->no_memory = true;
        return NULL;
    }
    hits->rows[hits->row_count] = row;
    hits->slots[slot] = (uint32_t)++hits->row_count;
    return &hits->rows[hits->row_count - 1];
}

static void count(struct moon_hits *hits, const char *time, const struct verdict *verdict)
{
    char tenant[MOON_HITS_TEXT_MAX], list[MOON_HITS_TEXT_MAX], entry[MOON_HITS_TEXT_MAX], type[40];
    const char *const names[] = {tenant, list, entry, type};

    moon_json_text(verdict->tenant, tenant, sizeof tenant);
    moon_json_text(verdict->list, list, sizeof list);
    moon_json_text(*list ? verdict->entry : verdict->rule, entry, sizeof entry);
    moon_json_text(verdict->override, type, sizeof type);
    struct moon_hit *row = row_of(hits, names);
    if (!row) {
        hits->others++;
        return;
    }
    row->count++;
    if (strcmp(time, row->last) >= 0) { /* times of one form sort like texts */
        (void)memcpy(row->last, time, sizeof row->last);
        row->line = verdict->line;
    }
}

void moon_hits_line(struct moon_hits *hits, struct moon_span line)
{
    struct record record;
    char time[sizeof hits->rows->last] = "";

    if (moon_span_trim(line).n == 0)
        return; /* somebody has edited the log */
    if (!read_record(line, &record)) {
        hits->unreadable++;
        return;
    }
    moon_json_text(record.time, time, sizeof time);
    if (hits->since && strcmp(time, hits->since) < 0)
        return;
    hits->records++;
    for (size_t i = 0; i < record.verdict_count; i++)
        if (record.verdicts[i].override.n)
            count(hits, time, &record.verdicts[i]);
}

static int by_count(const void *a, const void *b)
{
    const struct moon_hit *x = a, *y = b;
    int order = (x->count < y->count) - (x->count > y->count);
    order = order ? order : strcmp(x->tenant, y->tenant);
    order = order ? order : strcmp(x->list, y->list);
    order = order ? order : strcmp(x->entry, y->entry);
    return order ? order : strcmp(x->type, y->type);
}

static size_t slot_of(const struct moon_hits *hits, const char *list, const char *entry)
{
    return hash_of(hash_of(2166136261u, list), entry) % hits->slot_count;
}

void moon_hits_sort(struct moon_hits *hits)
{
    if (hits->row_count)
        qsort(hits->rows, hits->row_count, sizeof *hits->rows, by_count);
    (void)memset(hits->slots, 0,
                 hits->slot_count * sizeof *hits->slots); /* from now on: by entry */
    for (size_t i = 0; i < hits->row_count; i++) {
        size_t slot = slot_of(hits, hits->rows[i].list, hits->rows[i].entry);
        while (hits->slots[slot])
            slot = (slot + 1) % hits->slot_count;
        hits->slots[slot] = (uint32_t)i + 1;
    }
}

const struct moon_hit *moon_hits_find(const struct moon_hits *hits, const char *list,
                                      const char *entry)
{
    for (size_t slot = slot_of(hits, list, entry); hits->slots[slot];
         slot = (slot + 1) % hits->slot_count) {
        const struct moon_hit *row = &hits->rows[hits->slots[slot] - 1];
        if (!strcmp(row->list, list) && !strcmp(row->entry, entry))
            return row;
    }
    return NULL;
}
