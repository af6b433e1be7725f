/* SPDX-License-Identifier: MIT
 *
 * kept: a table of fixed size; a name and type may stand in one of four places, so that neither
 * finding nor making room ever costs more, whatever names a stranger chooses.
 *
 *  1. An answer is one block of the heap: the records, their texts, the name.
 *  2. A new one takes the place of the same question's, or a free place, or of the four the one
 *     that ends first.
 *  3. Each looks at a few places more, one after the other through the table, and frees what has
 *     ended; and while there are too many bytes, whatever it finds.
 */
#include "engine/dns/kept.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define WAYS  4u
#define SETS  (MOON_DNS_KEPT_MAX / WAYS)
#define SWEEP 4u /* places looked at for each new answer */

struct kept {
    int64_t until_ms;
    size_t bytes; /* of this block */
    enum moon_dns_type type;
    enum moon_dns_state state;
    unsigned questions;
    bool more;
    uint8_t name_length;
    uint32_t count, texts; /* records; bytes of their texts, which follow them, then the name */
    struct moon_dns_record records[];
};

struct moon_dns_kept {
    int64_t longest_ms;
    uint32_t seed; /* nobody knows which names share a set */
    size_t count, bytes, hand;
    struct kept *places[MOON_DNS_KEPT_MAX];
};

struct moon_dns_kept *moon_dns_kept_create(int64_t seconds_max)
{
    struct moon_dns_kept *kept = calloc(1, sizeof *kept);
    if (!kept)
        return NULL;
    kept->longest_ms = seconds_max * 1000;
    (void)!getrandom(&kept->seed, sizeof kept->seed, 0); /* 0 will do: a set is small */
    return kept;
}

static void drop(struct moon_dns_kept *kept, size_t at)
{
    if (!kept->places[at])
        return;
    kept->bytes -= kept->places[at]->bytes;
    kept->count--;
    free(kept->places[at]);
    kept->places[at] = NULL;
}

void moon_dns_kept_empty(struct moon_dns_kept *kept)
{
    for (size_t at = 0; at < MOON_DNS_KEPT_MAX; at++)
        drop(kept, at);
}

void moon_dns_kept_destroy(struct moon_dns_kept **kept)
{
    if (*kept)
        moon_dns_kept_empty(*kept);
    free(*kept);
    *kept = NULL;
}

struct moon_dns_kept_size moon_dns_kept_size(const struct moon_dns_kept *kept)
{
    return (struct moon_dns_kept_size){kept->count, kept->bytes};
}

/* --- finding ------------------------------------------------------------------------------------
 */

static const char *texts_of(const struct kept *one)
{
    return (const char *)(one->records + one->count);
}

static bool is_of(const struct kept *one, const struct moon_dns_wire *name, enum moon_dns_type type)
{
    return one && one->type == type && one->name_length == name->length &&
           memcmp(texts_of(one) + one->texts, name->bytes, name->length) == 0;
}

/* The first of its four places. */
static size_t set_of(const struct moon_dns_kept *kept, const struct moon_dns_wire *name,
                     enum moon_dns_type type)
{
    uint32_t hash = (moon_dns_wire_hash(name) ^ kept->seed) * 2654435769u + (uint32_t)type;
    return (hash ^ hash >> 16) % SETS * WAYS;
}

bool moon_dns_kept_get(const struct moon_dns_kept *kept, const struct moon_dns_wire *name,
                       int64_t now_ms, struct moon_arena *arena, struct moon_dns_answer *answer_r,
                       unsigned *questions_r)
{
    size_t first = set_of(kept, name, answer_r->type), at = first;
    while (at < first + WAYS && !is_of(kept->places[at], name, answer_r->type))
        at++;
    const struct kept *one = at < first + WAYS ? kept->places[at] : NULL;
    if (!one || now_ms >= one->until_ms)
        return false;
    size_t size = one->count * sizeof *one->records + one->texts;
    struct moon_dns_record *records = size ? moon_arena_raw(arena, size) : NULL;
    if (size && !records)
        return false;
    if (size)
        memcpy(records, one->records, size); /* with the texts */
    const char *texts = size ? (const char *)(records + one->count) : "";
    for (size_t i = 0; i < one->count; i++) { /* at most MOON_DNS_RECORDS_MAX */
        struct moon_dns_record *record = &records[i];
        if (record->text.p)
            record->text.p = texts + (record->text.p - texts_of(one));
        record->name = *record->name ? texts + (record->name - texts_of(one)) : "";
    }
    answer_r->state = one->state;
    answer_r->records = records;
    answer_r->count = one->count;
    answer_r->more = one->more;
    *questions_r = one->questions;
    return true;
}

/* --- keeping ------------------------------------------------------------------------------------
 */

static size_t texts_bytes(const struct moon_dns_answer *answer)
{
    size_t bytes = 0;
    for (size_t i = 0; i < answer->count; i++) {
        const struct moon_dns_record *record = &answer->records[i];
        bytes += record->text.n;
        bytes += *record->name ? strlen(record->name) + 1 : 0;
    }
    return bytes;
}

/* Step 1. NULL without memory, or when it is too large. */
static struct kept *block_of(const struct moon_dns_answer *answer, const struct moon_dns_wire *name)
{
    size_t texts = texts_bytes(answer), records = answer->count * sizeof *answer->records;
    size_t bytes = sizeof(struct kept) + records + texts + name->length;
    struct kept *one = bytes <= MOON_DNS_KEPT_ANSWER_BYTES_MAX ? malloc(bytes) : NULL;
    if (!one)
        return NULL;
    *one = (struct kept){.bytes = bytes,
                         .type = answer->type,
                         .state = answer->state,
                         .more = answer->more,
                         .name_length = name->length,
                         .count = (uint32_t)answer->count,
                         .texts = (uint32_t)texts};
    char *text = (char *)(one->records + one->count);
    for (size_t i = 0; i < answer->count; i++) {
        const struct moon_dns_record *from = &answer->records[i];
        struct moon_dns_record *to = &one->records[i];
        *to = *from;
        if (from->text.n)
            memcpy(text, from->text.p, from->text.n);
        to->text.p = from->text.p ? text : NULL;
        text += from->text.n;
        if (!*from->name) {
            to->name = "";
            continue;
        }
        size_t n = strlen(from->name) + 1;
        memcpy(text, from->name, n);
        to->name = text;
        text += n;
    }
    memcpy(text, name->bytes, name->length);
    return one;
}

/* Step 2. */
static size_t place_for(const struct moon_dns_kept *kept, const struct moon_dns_wire *name,
                        enum moon_dns_type type)
{
    size_t first = set_of(kept, name, type), best = first;
    for (size_t at = first; at < first + WAYS; at++) {
        if (is_of(kept->places[at], name, type))
            return at;
        if (kept->places[best] &&
            (!kept->places[at] || kept->places[at]->until_ms < kept->places[best]->until_ms))
            best = at;
    }
    return best;
}

/* Step 3. */
static void sweep(struct moon_dns_kept *kept, size_t bytes, int64_t now_ms)
{
    for (size_t i = 0; i < MOON_DNS_KEPT_MAX; i++) {
        bool full = kept->bytes + bytes > MOON_DNS_KEPT_BYTES_MAX;
        if (i >= SWEEP && !full)
            return;
        const struct kept *one = kept->places[kept->hand];
        if (one && (full || now_ms >= one->until_ms))
            drop(kept, kept->hand);
        kept->hand = (kept->hand + 1) % MOON_DNS_KEPT_MAX;
    }
}

void moon_dns_kept_put(struct moon_dns_kept *kept, const struct moon_dns_wire *name,
                       const struct moon_dns_answer *answer, uint32_t ttl_s, unsigned questions,
                       int64_t now_ms)
{
    bool says = answer->state == MOON_DNS_STATE_FOUND || answer->state == MOON_DNS_STATE_NODATA ||
                answer->state == MOON_DNS_STATE_NXDOMAIN;
    if (!says || *answer->reason || ttl_s == 0)
        return;
    struct kept *one = block_of(answer, name);
    if (!one)
        return;
    one->questions = questions;
    int64_t ms = (int64_t)ttl_s * 1000;
    one->until_ms = now_ms + (ms < kept->longest_ms ? ms : kept->longest_ms);
    sweep(kept, one->bytes, now_ms);
    size_t at = place_for(kept, name, answer->type);
    drop(kept, at);
    kept->places[at] = one;
    kept->count++;
    kept->bytes += one->bytes;
}
