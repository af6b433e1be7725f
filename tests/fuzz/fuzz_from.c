/* SPDX-License-Identifier: MIT
 *
 * fuzz_from: any bytes as the header of a message. Whatever comes out must keep the promises of
 * message/address.h: ambiguity has a reason, an Author Domain is clean, kept text has no controls.
 *
 * Parser: engine/message/address.c
 * Parser: engine/message/domain.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/message/address.h"
#include "engine/message/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void no_controls(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 && *text != '\t')
            abort();
}

static void check(struct moon_arena *arena, const struct moon_from *from)
{
    if (from->ambiguous != (from->reason != NULL) || from->kept > MOON_FROM_MAX ||
        from->kept > from->count)
        abort();
    if (!from->ambiguous && (from->count != 1 || from->field_count != 1 || !from->domain))
        abort();
    for (size_t i = 0; i < from->kept; i++) {
        const struct moon_author *author = &from->authors[i];
        no_controls(author->address);
        no_controls(author->display_name);
        if (from->domain && !moon_domain_equal(from->domain, author->domain))
            abort();
        if (author->domain) {
            const char *again = moon_domain_normalize(arena, moon_span_of(author->domain));
            if (!again || strcmp(again, author->domain) != 0)
                abort();
        }
    }
}

/* The same bytes as an envelope address. */
static void check_path(struct moon_arena *arena, struct moon_span text)
{
    const char *local, *domain, *path = moon_arena_dup(arena, text);

    if (!path || moon_path_split(arena, path, &local, &domain) != MOON_OK)
        return;
    if (strlen(local) > strlen(path))
        abort();
    if (!domain)
        return;
    const char *last = moon_domain_tail(domain, 1);
    if (moon_domain_labels(last) != 1 || !moon_domain_within(domain, last) ||
        moon_domain_within(domain, "") || moon_domain_labels(domain) < 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);
    struct moon_message msg = {.id = ""};
    struct moon_error error;
    struct moon_from from;

    if (!arena)
        return 0;
    if (moon_message_parse(arena, (struct moon_span){(const char *)data, size}, &msg, &error) ==
            MOON_OK &&
        moon_from_parse(arena, &msg, &from) == MOON_OK)
        check(arena, &from);
    check_path(arena, (struct moon_span){(const char *)data, size});
    moon_arena_destroy(&arena);
    return 0;
}
