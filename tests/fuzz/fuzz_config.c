/* SPDX-License-Identifier: MIT
 *
 * Fuzz target of lua/config.c and lines.c: whatever moonscan.lua holds, the answer is settings that
 * the schema accepts, or mistakes with their lines. Also runs the input as a list and as
 * tenants.map.
 *
 * Parser: lua/config.c
 * Parser: lua/lines.c
 * Parser: lua/lists.c
 * Parser: lua/list_pack.c
 * Parser: engine/cmd/gather_map.c
 * Parser: engine/cmd/gather_names.c moon_gather_is_tenant_name moon_gather_tenant
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cmd/gather.h"
#include "lua/config.h"
#include "lua/lines.h"
#include "lua/list_pack.h"
#include "lua/lists.h"

/* A list that was read comes out of its record as it went in. */
static void check_packed(struct moon_arena *arena, const struct moon_list *list)
{
    struct moon_span record = moon_list_pack(arena, list);
    struct moon_list *again =
        record.n ? moon_list_unpack(arena, record, list->name, list->path) : NULL;
    if (moon_arena_failed(arena))
        return;
    if (!again || !moon_span_eq(moon_list_pack(arena, again), record))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Tight limits: a fuzzer likes endless loops. */
    static const struct moon_limits limits = {20000, 1 << 20, 1000};
    struct moon_span source = {(const char *)data, size};
    struct moon_arena *arena = moon_arena_create(8 << 20);
    struct moon_error error = {""};
    struct moon_config config;
    struct moon_list *list;

    if (!arena)
        return 0;
    if (moon_config_parse(arena, source, "moonscan.lua", &config) == MOON_OK)
        for (size_t i = 0; i < config.value_count; i++)
            if (moon_conf_value_check(config.values[i].key, moon_span_of(config.values[i].value),
                                      NULL) != MOON_OK)
                abort();
    if (moon_list_parse(arena, &limits, source, "list", "list.lua", &list, &error) != MOON_OK &&
        !*error.text)
        abort();
    if (list)
        check_packed(arena, list);
    list = moon_list_unpack(arena, source, "list", "list.lua");
    if (list)
        check_packed(arena, list);
    struct moon_gather gather = {
        .arena = arena, .config_dir = "etc", .writer = moon_snapshot_writer_create()};
    if (gather.writer)
        moon_gather_map(&gather, "tenants.map", source);
    moon_snapshot_writer_destroy(&gather.writer);
    moon_arena_destroy(&arena);
    return 0;
}
