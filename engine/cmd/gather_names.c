/* SPDX-License-Identifier: MIT
 *
 * gather_names: who the tenants are. Names are found by a hash table: there may be 100,000 of them.
 */
#include <string.h>

#include "engine/cmd/gather_parts.h"

bool moon_gather_is_tenant_name(struct moon_span name)
{
    /* Folders of the configuration; and the quarantine of recipients who belong to no tenant. */
    static const char *const taken[] = {"lists", "fixtures", "default"};

    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (moon_span_is(name, taken[i]))
            return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool plain = (c >= 'a' && c <= 'z') || moon_is_digit(c);
        if (!plain && (i == 0 || (c != '-' && c != '_' && c != '.')))
            return false;
    }
    return name.n > 0 && name.n <= 64;
}

/* The slot of that name, or the free one where it belongs. */
static uint32_t *slot_of(const struct moon_gather *gather, struct moon_span name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < name.n; i++)
        hash = (hash ^ (unsigned char)name.p[i]) * 16777619u;
    size_t i = hash & (gather->tenant_slot_count - 1);
    while (gather->tenant_slots[i] &&
           !moon_span_is(name, gather->tenants[gather->tenant_slots[i] - 1].name))
        i = (i + 1) & (gather->tenant_slot_count - 1);
    return &gather->tenant_slots[i];
}

struct moon_gather_tenant *moon_gather_tenant_find(const struct moon_gather *gather,
                                                   struct moon_span name)
{
    uint32_t found = gather->tenant_slot_count ? *slot_of(gather, name) : 0;
    return found ? &gather->tenants[found - 1] : NULL;
}

/* Room for one more; the table stays half empty. */
static bool reserve_slot(struct moon_gather *gather)
{
    size_t count = gather->tenant_slot_count ? 2 * gather->tenant_slot_count : 64;
    if (2 * (gather->tenant_known + 1) <= gather->tenant_slot_count)
        return true;
    uint32_t *slots = moon_arena_array(gather->arena, count, sizeof *slots);
    if (!slots)
        return false;
    memset(slots, 0, count * sizeof *slots);
    gather->tenant_slots = slots;
    gather->tenant_slot_count = count;
    for (size_t i = 0; i < gather->tenant_known; i++)
        *slot_of(gather, moon_span_of(gather->tenants[i].name)) = (uint32_t)i + 1;
    return true;
}

struct moon_gather_tenant *moon_gather_tenant(struct moon_gather *gather, struct moon_span name)
{
    struct moon_gather_tenant *tenant = moon_gather_tenant_find(gather, name);
    size_t n = gather->tenant_known;
    if (tenant)
        return tenant;
    struct moon_gather_tenant *larger =
        moon_arena_append(gather->arena, gather->tenants, n, sizeof *larger);
    const char *copy = larger ? moon_arena_dup(gather->arena, name) : NULL;
    if (!copy || !reserve_slot(gather)) {
        gather->no_memory = true;
        return NULL;
    }
    gather->tenants = larger;
    larger[n] = (struct moon_gather_tenant){.name = copy, .path = ""};
    *slot_of(gather, name) = (uint32_t)n + 1;
    gather->tenant_known++;
    return &larger[n];
}
