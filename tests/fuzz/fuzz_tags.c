/* SPDX-License-Identifier: MIT
 *
 * fuzz_tags: any bytes as a tag list. A list that is valid is still valid, and the same, when it is
 * written again from its parts.
 *
 * Parser: engine/message/tags.c
 */
#include <stdint.h>
#include <stdlib.h>

#include "engine/base/limits.h"
#include "engine/message/tags.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct moon_arena *arena, const struct moon_tags *tags)
{
    struct moon_tags again;
    const char *reason;
    struct moon_str str;

    moon_str_begin(&str, arena);
    for (size_t i = 0; i < tags->count; i++) {
        const struct moon_tag *tag = &tags->items[i];
        if (moon_span_find(tag->value, ';') != (size_t)-1 ||
            moon_tags_find(tags, moon_arena_dup(arena, tag->name)) != tag)
            abort();
        moon_str_add_span(&str, tag->name);
        moon_str_add_char(&str, '=');
        moon_str_add_span(&str, tag->value);
        moon_str_add_char(&str, ';');
    }
    const char *text = moon_str_end(&str);
    if (!text || moon_tags_parse(arena, moon_span_of(text), &again, &reason) != MOON_OK)
        return; /* no memory */
    if (reason || again.count != tags->count)
        abort();
    for (size_t i = 0; i < again.count; i++)
        if (!moon_span_eq(again.items[i].name, tags->items[i].name) ||
            !moon_span_eq(again.items[i].value, tags->items[i].value))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_tags tags;
    const char *reason;

    if (!arena)
        return 0;
    if (moon_tags_parse(arena, (struct moon_span){(const char *)data, size}, &tags, &reason) ==
        MOON_OK) {
        if ((reason != NULL) == (tags.count != 0) || tags.count > MOON_SIG_TAGS_MAX)
            abort();
        if (tags.count)
            check(arena, &tags);
    }
    moon_arena_destroy(&arena);
    return 0;
}
