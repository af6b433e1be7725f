/* SPDX-License-Identifier: MIT
 *
 * fuzz_forwarding: any bytes as an envelope sender that may tell of forwarding, and as a List-Id.
 * What is told of the address before stands in what came in, in this order, and is bounded.
 *
 * Parser: engine/message/forwarding.c
 * Parser: engine/message/list_id.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/message/address.h"
#include "engine/message/domain.h"
#include "engine/message/list_id.h"
#include "engine/message/forwarding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* local@domain without anything a header or a log could stumble over. */
static void check_address(const char *address)
{
    if (!address)
        return;
    const char *at = strrchr(address, '@');
    if (!at || at == address || strlen(address) > MOON_FORWARDED_LOCAL_MAX + MOON_DOMAIN_MAX + 1)
        abort();
    for (const char *c = address; *c; c++)
        if (*c <= ' ' || *c > '~')
            abort();
}

static void check_path(struct moon_arena *arena, struct moon_span text)
{
    const char *local, *domain, *path = moon_arena_dup(arena, text);
    struct moon_forwarding f;

    if (!path || moon_path_split(arena, path, &local, &domain) != MOON_OK ||
        moon_forwarding_parse(arena, path, domain, &f) != MOON_OK)
        return;
    if (!f.pattern) {
        if (f.forwarder || f.mailbox || f.original || f.original_domain || f.destination)
            abort();
        return;
    }
    if (strcmp(f.forwarder, domain) != 0 || (f.original != NULL) != (f.original_domain != NULL) ||
        (f.destination && strcmp(f.pattern, "gmail") != 0))
        abort();
    check_address(f.mailbox);
    check_address(f.original);
    check_address(f.destination);
    if (f.original &&
        !moon_domain_equal(moon_domain_normalize(arena, moon_span_of(f.original_domain)),
                           f.original_domain))
        abort();
}

static void check_list(struct moon_arena *arena, struct moon_span text)
{
    struct moon_field field = {.name = MOON_SPAN("List-Id"), .value = text, .raw = text};
    struct moon_message msg = {.id = "", .fields = &field, .field_count = 1};
    struct moon_list_id list;

    if (moon_list_id_parse(arena, &msg, &list) != MOON_OK)
        return;
    if (list.count != 1 || (list.name && !list.id) || (list.domain && !list.name) ||
        (list.domain && !moon_domain_within(list.name, list.domain)) ||
        (list.id && (strlen(list.id) == 0 || strlen(list.id) > 255)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct moon_arena *arena = moon_arena_create(MOON_ARENA_BYTES_MAX);

    if (!arena)
        return 0;
    check_path(arena, (struct moon_span){(const char *)data, size});
    check_list(arena, (struct moon_span){(const char *)data, size});
    moon_arena_destroy(&arena);
    return 0;
}
