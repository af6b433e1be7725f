/* SPDX-License-Identifier: MIT
 *
 * fuzz_dmarc: any bytes as a DMARC Policy Record. What comes out must be in range, and the record
 * as it is shown must mean the same when it is read again.
 *
 * Parser: engine/auth/dmarc_record.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/auth/dmarc_record.h"
#include "engine/base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(int condition)
{
    if (!condition)
        abort();
}

static void printable(const char *text)
{
    for (; *text; text++)
        need(*text >= 0x20 && *text < 0x7f);
}

static void check(struct moon_arena *arena, const struct moon_dmarc_record *record)
{
    struct moon_dmarc_record again;
    bool is_dmarc;

    need(record->adkim == 'r' || record->adkim == 's');
    need(record->aspf == 'r' || record->aspf == 's');
    need(record->psd == 'y' || record->psd == 'n' || record->psd == 'u');
    need(record->pct <= 100 && record->tag_count <= MOON_DMARC_TAGS_MAX);
    need(!record->usable || record->p != MOON_DMARC_POLICY_ABSENT);
    printable(record->text);
    for (size_t i = 0; i < record->tag_count; i++) {
        printable(record->tags[i].name);
        printable(record->tags[i].value);
    }
    if (!record->error &&
        moon_dmarc_record_parse(arena, moon_span_of(record->text), &again, &is_dmarc) == MOON_OK)
        need(!is_dmarc || again.p == record->p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_dmarc_record record;
    bool is_dmarc = false;

    if (!arena)
        return 0;
    if (moon_dmarc_record_parse(arena, (struct moon_span){(const char *)data, size}, &record,
                                &is_dmarc) == MOON_OK &&
        is_dmarc)
        check(arena, &record);
    moon_arena_destroy(&arena);
    return 0;
}
